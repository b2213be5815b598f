import type { ReactNode } from 'react';
import { BellIcon } from './components/BellIcon';
import { NotificationDrawer } from './components/NotificationDrawer';

export function Shell({ userId, children }: { userId: string; children: ReactNode }) {
  return (
    <div className="shell">
      <header>
        <BellIcon userId={userId} />
      </header>
      <NotificationDrawer userId={userId} />
      <main>{children}</main>
    </div>
  );
}
