import { useQuery } from '@tanstack/react-query'
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  Outlet,
} from '@tanstack/react-router'
import { anyTraceQuery } from './api/traces.ts'
import { LoopPage } from './pages/loop/loop-page.tsx'
import { viewIn } from './pages/loop/view.ts'
import { modelLookIn } from './pages/models/look.ts'
import { lookIn } from './pages/runs/look.ts'
import { traceViewIn, tracesViewIn } from './pages/traces/view.ts'
import { MorePlaces } from './ui/site-header.tsx'
import { WebhooksPage } from './pages/webhooks/webhooks-page.tsx'

const root = createRootRoute({ component: Pages, notFoundComponent: NoSuchPage })

const loop = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: viewIn,
  component: LoopPage,
})

const trash = createRoute({
  getParentRoute: () => root,
  path: '/settings/trash',
  component: lazyRouteComponent(() => import('./pages/trash/trash-page.tsx'), 'TrashPage'),
})

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/settings/webhooks',
  component: WebhooksPage,
})

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  validateSearch: tracesViewIn,
  component: lazyRouteComponent(() => import('./pages/traces/traces-page.tsx'), 'TracesPage'),
})

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$trace',
  validateSearch: traceViewIn,
  component: lazyRouteComponent(() => import('./pages/traces/trace-page.tsx'), 'TracePage'),
})

const runs = createRoute({
  getParentRoute: () => root,
  path: '/runs',
  validateSearch: lookIn,
  component: lazyRouteComponent(() => import('./pages/runs/runs-page.tsx'), 'RunsPage'),
})

const models = createRoute({
  getParentRoute: () => root,
  path: '/models',
  validateSearch: modelLookIn,
  component: lazyRouteComponent(() => import('./pages/models/models-page.tsx'), 'ModelsPage'),
})

const model = createRoute({
  getParentRoute: () => root,
  path: '/models/$model',
  validateSearch: modelLookIn,
  component: lazyRouteComponent(() => import('./pages/models/model-page.tsx'), 'ModelPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([loop, runs, models, model, webhooks, trash, traces, trace]),
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

const TRACES = [{ to: '/traces', words: 'Traces' }] as const

/** All pages; the way to the traces shows from the first one on. */
function Pages() {
  const { data: hasTraces = false } = useQuery(anyTraceQuery)
  return (
    <MorePlaces value={hasTraces ? TRACES : []}>
      <Outlet />
    </MorePlaces>
  )
}

function NoSuchPage() {
  return (
    <main className="mx-auto flex max-w-lg flex-col gap-3 px-4 py-24">
      <h1 className="text-xl font-semibold">There is no page here</h1>
      <p className="text-ink-2">The address may be mistyped, or its page is yet to be made.</p>
      <p>
        <Link to="/" search={{}} className="text-accent underline underline-offset-2">
          Go to the loop
        </Link>
      </p>
    </main>
  )
}
