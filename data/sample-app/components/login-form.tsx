'use client';

import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { supabase } from '@/lib/supabase';

export function LoginForm() {
  const router = useRouter();
  const [error, setError] = useState('');

  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const { error } = await supabase.auth.signInWithPassword({
      email: String(form.get('email')),
      password: String(form.get('password')),
    });
    if (error) setError(error.message);
    else router.push('/');
  }

  return (
    <form onSubmit={signIn}>
      <input name="email" type="email" required />
      <input name="password" type="password" required />
      <button type="submit">Sign in</button>
      {error && <em>{error}</em>}
    </form>
  );
}
