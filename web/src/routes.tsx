import { createRootRoute, createRoute, createRouter, Link } from '@tanstack/react-router'
import { LoopPage } from './pages/loop/loop-page.tsx'
import { viewIn } from './pages/loop/view.ts'

const root = createRootRoute({ notFoundComponent: NoSuchPage })

const loop = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: viewIn,
  component: LoopPage,
})

export const router = createRouter({
  routeTree: root.addChildren([loop]),
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
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
