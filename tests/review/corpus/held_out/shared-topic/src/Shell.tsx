import type { ReactNode } from 'react'
import { Bell } from './Bell'
import { Toasts } from './Toasts'

export function Shell({ children }: { children: ReactNode }) {
  return (
    <>
      <Bell />
      {children}
      <Toasts />
    </>
  )
}
