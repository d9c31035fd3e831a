import { environment } from '#app/settings/environment'
import { openWorkspace, type ProjectWorkspace } from '#app/project/workspace'
import { placeOf, type Place } from './place.ts'
import { showSteps } from './steps.ts'

export { say } from './say.ts'

/** The project that the command was called in, and how to read the paths that were given. */
export type CalledIn = Place & ProjectWorkspace

export function calledIn(cwd?: string): CalledIn {
  const place = placeOf(cwd)
  const workspace = openWorkspace(place.root, {
    variables: environment,
    onStep: showSteps(process.argv),
    onWait: (holder) =>
      process.stderr.write(`waiting for ${holder}, which works in this project\n`),
    environments: async () =>
      (await import('#app/settings/config')).loadConfig({}).config.environments,
  })
  return { ...workspace, ...place }
}
