import type { CalledIn } from '../workspace.ts'
import type { Experiments } from '#app/project/experiments/index'

/** The experiments of the project that the command was called in. */
export async function openedExperiments(): Promise<{ here: CalledIn; experiments: Experiments }> {
  const { calledIn } = await import('../workspace.ts')
  const { openExperiments } = await import('#app/project/experiments/index')
  const { environment } = await import('#app/settings/environment')
  const here = calledIn()
  const experiments = openExperiments(here, {
    variables: environment,
    environments: async () =>
      (await import('#app/settings/config')).loadConfig({}).config.environments,
    onWait: (holder) =>
      process.stderr.write(`waiting for ${holder}, which works in this project\n`),
  })
  return { here, experiments }
}

/** Does work on the project's experiments, and ends the process that reads its history. */
export async function withExperiments(
  work: (opened: { here: CalledIn; experiments: Experiments }) => Promise<void>,
): Promise<void> {
  const opened = await openedExperiments()
  try {
    const undone = await opened.experiments.recover().catch(() => undefined)
    if (undone !== undefined)
      process.stderr.write(
        `the experiment ${undone} was killed; what it had changed is back as it was\n`,
      )
    await work(opened)
  } finally {
    opened.here.revisions?.close()
  }
}
