import type { Experiments } from '#app/project/experiments/index'
import type { RunRecorder } from '#stages'

export async function jobsOf(jobs: number): Promise<number> {
  if (Number.isInteger(jobs) && jobs > 0) return jobs
  const { Problem } = await import('#base/problem')
  throw new Problem('invalid', `--jobs ${jobs} must be a whole number from 1 up`)
}

/** Runs what waits in this process and says what became of each. */
export async function workOff(
  experiments: Experiments,
  how: {
    readonly jobs: number
    readonly json?: boolean | undefined
    readonly recording: (name: string) => { recorder?: RunRecorder }
  },
): Promise<void> {
  const { untilSignal } = await import('../recording.ts')
  const { say } = await import('../say.ts')
  const tell = (text: string) => (how.json === true ? process.stderr : process.stdout).write(text)
  const tasks = await untilSignal((signal) =>
    experiments.queue.work({
      jobs: how.jobs,
      signal,
      repro: (name) => ({
        ...how.recording(name),
        // They run beside each other, so each line says whose it is.
        onEvent: (event) => {
          if (event.kind === 'started') tell(`${name}: ${event.step}\n`)
        },
      }),
      onStart: ({ name }) => tell(`${name}: started\n`),
      onEnd: ({ name, status, reason, commit }) =>
        tell(
          commit === undefined
            ? `${name}: ${status}: ${reason ?? ''}\n`
            : `${name}: kept as ${commit.slice(0, 7)}\n`,
        ),
    }),
  )
  const bad = tasks.filter(({ status }) => status !== 'success').length
  say(how.json === true ? { json: true } : {}, { tasks }, [
    tasks.length === 0
      ? 'Nothing waits; queue an experiment with `orrery exp run --queue`.'
      : `${tasks.length - bad} kept${bad === 0 ? '' : `, ${bad} failed; \`orrery exp queue logs NAME\` shows why`}`,
  ])
  if (bad > 0) process.exitCode = 1
}
