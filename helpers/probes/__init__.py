"""Processes of their own, whose memory and processor time are looked at.

A room of its own, so that such a process imports little else.
"""
