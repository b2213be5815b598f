import type { Metadata } from 'next';
import type { ReactNode } from 'react';
import { NotificationsBell } from '@/components/notifications-bell';

export const metadata: Metadata = { title: 'Corner' };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <nav>
          <a href="/">Corner</a>
          <NotificationsBell />
        </nav>
        {children}
      </body>
    </html>
  );
}
