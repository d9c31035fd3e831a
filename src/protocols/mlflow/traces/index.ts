import type { MlflowApp } from '../app.ts'
import { assessmentRoutes } from './assessments.ts'
import { dashboardRoutes } from './dashboard.ts'
import { oldTraceRoutes } from './old.ts'
import type { TraceParts } from './parts.ts'
import { traceReadRoutes, traceWriteRoutes } from './traces.ts'

/** What clients ask of traces below `/2.0`: what has no newer place, and all that clients before 3 know. */
export function traceRoutes2(app: MlflowApp, parts: TraceParts): void {
  traceWriteRoutes(app, parts)
  oldTraceRoutes(app, parts)
}

/** What clients ask of traces below `/3.0`. */
export function traceRoutes3(app: MlflowApp, parts: TraceParts): void {
  traceReadRoutes(app, parts)
  traceWriteRoutes(app, parts)
  assessmentRoutes(app, parts)
  dashboardRoutes(app, parts)
}
