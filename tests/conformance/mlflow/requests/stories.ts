import { experimentSteps, runSteps, logSteps } from './tracking-steps.ts'
import { registrySteps } from './registry-steps.ts'
import { loggedModelSteps } from './logged-model-steps.ts'
import { filterSteps } from './filter-steps.ts'
import { pageSteps } from './page-steps.ts'
import type { Step } from './step.ts'

/** Each is told to a new server. */
export const STORIES: Readonly<Record<string, readonly Step[]>> = {
  experiments: experimentSteps,
  runs: runSteps,
  logs: logSteps,
  registry: registrySteps,
  'logged-models': loggedModelSteps,
  pages: pageSteps,
  filters: filterSteps,
}
