import type { ReactNode } from 'react'
import { SiteHeader } from '#web/ui/site-header.tsx'

/** The frame of the pages about traces. */
export function Frame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <SiteHeader />
      <main className="mx-auto flex max-w-[77.5rem] flex-col gap-5 px-4 pt-8 pb-12 sm:px-6">
        <h1 className="text-2xl font-semibold tracking-tight wrap-anywhere">{title}</h1>
        {children}
      </main>
    </>
  )
}

export function Trouble({ error }: { error: Error }) {
  return (
    <p role="alert" className="rounded-lg bg-bad-tint px-4 py-3 text-bad wrap-anywhere">
      {error.message}
    </p>
  )
}
