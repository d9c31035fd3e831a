import type { Json } from '#base/json'
import type { RunScope } from './scope.ts'

/** How somebody looks at runs, kept under a name. */
export interface ViewContent {
  readonly name: string
  readonly scope: RunScope
  readonly filter: string
  readonly columns: readonly string[]
  readonly orderBy: readonly string[]
  /** What the page keeps of its charts and of how it shows rows; the server does not read it. */
  readonly display: Json
  /** Whether others see it too. Only its owner says so. */
  readonly shared: boolean
}

export interface SavedView extends ViewContent {
  readonly viewId: string
  readonly owner: string
  /** Counts its changes from 1. */
  readonly revision: number
  readonly createdMs: number
  readonly updatedMs: number
}
