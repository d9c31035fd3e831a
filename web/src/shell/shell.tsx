import { useQuery } from '@tanstack/react-query'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { anyTraceQuery } from '#web/api/traces.ts'
import { Shell } from '#web/ui/site-header.tsx'
import { useKeys } from './keys.ts'

const GoTo = lazy(async () => ({ default: (await import('./go-to.tsx')).GoTo }))
const HelpDialog = lazy(async () => ({ default: (await import('./help-dialog.tsx')).HelpDialog }))

/** What is around all pages: their keys, the way to anything by its name, and where the focus begins. */
export function Pages() {
  const { data: hasTraces = false } = useQuery(anyTraceQuery)
  const [over, setOver] = useState<'go-to' | 'help'>()
  const goTo = useCallback(() => setOver('go-to'), [])
  const close = useCallback(() => setOver(undefined), [])
  useKeys({ goTo, help: () => setOver('help') })
  useFocusOnNewPages()
  const shell = useMemo(() => ({ hasTraces, openGoTo: goTo }), [hasTraces, goTo])
  return (
    <Shell value={shell}>
      <Outlet />
      <Suspense>
        {over === 'go-to' ? <GoTo onClose={close} /> : null}
        {over === 'help' ? <HelpDialog onClose={close} /> : null}
      </Suspense>
    </Shell>
  )
}

/** A new page takes the focus, so that the next key and the next word of a screen reader are of it. */
function useFocusOnNewPages(): void {
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname })
  const before = useRef<string | undefined>(undefined)
  useEffect(() => {
    const isFirst = before.current === undefined
    before.current = path
    if (isFirst || path === undefined || location.hash !== '') return
    document.getElementById('content')?.focus({ preventScroll: true })
  }, [path])
}
