import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
} from '@tanstack/react-router'
import { datasetViewIn, dataViewIn } from './pages/data/view.ts'
import { alertsViewIn } from './pages/alerts/view.ts'
import { monitoringViewIn } from './pages/endpoints/monitoring-view.ts'
import { LoopPage } from './pages/loop/loop-page.tsx'
import { viewIn } from './pages/loop/view.ts'
import { modelLookIn } from './pages/models/look.ts'
import { predictionViewIn } from './pages/prediction/view.ts'
import { pipelinesViewIn, pipelineViewIn } from './pages/pipelines/view.ts'
import { lookIn } from './pages/runs/look.ts'
import { backfillsViewIn, policiesViewIn, policyViewIn } from './pages/policies/view.ts'
import { traceViewIn, tracesViewIn } from './pages/traces/view.ts'
import { runViewIn } from './pages/run/view.ts'
import { Pages } from './shell/shell.tsx'
import { Page } from './ui/page.tsx'

const root = createRootRoute({ component: Pages, notFoundComponent: NoSuchPage })

const loop = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: viewIn,
  component: LoopPage,
})

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  beforeLoad: () => {
    // The router takes what is thrown for a way to go on.
    // oxlint-disable-next-line typescript/only-throw-error
    throw redirect({ to: '/settings/webhooks', replace: true })
  },
})

const trash = createRoute({
  getParentRoute: () => root,
  path: '/settings/trash',
  component: lazyRouteComponent(() => import('./pages/trash/trash-page.tsx'), 'TrashPage'),
})

const webhooks = createRoute({
  getParentRoute: () => root,
  path: '/settings/webhooks',
  component: lazyRouteComponent(() => import('./pages/webhooks/webhooks-page.tsx'), 'WebhooksPage'),
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

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$run',
  validateSearch: runViewIn,
  component: lazyRouteComponent(() => import('./pages/run/run-page.tsx'), 'RunPage'),
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

const data = createRoute({
  getParentRoute: () => root,
  path: '/data',
  validateSearch: dataViewIn,
  component: lazyRouteComponent(() => import('./pages/data/data-page.tsx'), 'DataPage'),
})

const dataset = createRoute({
  getParentRoute: () => root,
  path: '/data/$project/$path',
  validateSearch: datasetViewIn,
  component: lazyRouteComponent(() => import('./pages/data/dataset-page.tsx'), 'DatasetPage'),
})

const pipelines = createRoute({
  getParentRoute: () => root,
  path: '/pipelines',
  validateSearch: pipelinesViewIn,
  component: lazyRouteComponent(
    () => import('./pages/pipelines/pipelines-page.tsx'),
    'PipelinesPage',
  ),
})

const pipeline = createRoute({
  getParentRoute: () => root,
  path: '/pipelines/$run',
  validateSearch: pipelineViewIn,
  component: lazyRouteComponent(
    () => import('./pages/pipelines/pipeline-page.tsx'),
    'PipelinePage',
  ),
})

const endpoints = createRoute({
  getParentRoute: () => root,
  path: '/endpoints',
  component: lazyRouteComponent(
    () => import('./pages/endpoints/endpoints-page.tsx'),
    'EndpointsPage',
  ),
})

const endpoint = createRoute({
  getParentRoute: () => root,
  path: '/endpoints/$endpoint',
  component: lazyRouteComponent(
    () => import('./pages/endpoints/endpoint-page.tsx'),
    'EndpointPage',
  ),
})

const monitoring = createRoute({
  getParentRoute: () => root,
  path: '/endpoints/$endpoint/monitoring',
  validateSearch: monitoringViewIn,
  component: lazyRouteComponent(
    () => import('./pages/endpoints/monitoring-page.tsx'),
    'MonitoringPage',
  ),
})

const prediction = createRoute({
  getParentRoute: () => root,
  path: '/predictions/$prediction',
  validateSearch: predictionViewIn,
  component: lazyRouteComponent(
    () => import('./pages/prediction/prediction-page.tsx'),
    'PredictionPage',
  ),
})

const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  validateSearch: alertsViewIn,
  component: lazyRouteComponent(() => import('./pages/alerts/alerts-page.tsx'), 'AlertsPage'),
})

const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  validateSearch: policiesViewIn,
  component: lazyRouteComponent(() => import('./pages/policies/policies-page.tsx'), 'PoliciesPage'),
})

const backfills = createRoute({
  getParentRoute: () => root,
  path: '/policies/backfills',
  validateSearch: backfillsViewIn,
  component: lazyRouteComponent(
    () => import('./pages/policies/backfills-page.tsx'),
    'BackfillsPage',
  ),
})

const policy = createRoute({
  getParentRoute: () => root,
  path: '/policies/$project/$policy',
  validateSearch: policyViewIn,
  component: lazyRouteComponent(() => import('./pages/policies/policy-page.tsx'), 'PolicyPage'),
})

export const router = createRouter({
  routeTree: root.addChildren([
    loop,
    data,
    dataset,
    pipelines,
    pipeline,
    runs,
    run,
    models,
    model,
    endpoints,
    endpoint,
    monitoring,
    prediction,
    alerts,
    policies,
    backfills,
    policy,
    settings,
    webhooks,
    trash,
    traces,
    trace,
  ]),
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}

function NoSuchPage() {
  return (
    <Page
      title="There is no page here"
      lead="The address may be mistyped, or its page is yet to be made."
    >
      <p>
        <Link to="/" search={{}} className="text-accent underline underline-offset-2">
          Go home
        </Link>
      </p>
    </Page>
  )
}
