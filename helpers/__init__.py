"""Diagnose, profile and repair Supabase Realtime + Prisma applications."""
