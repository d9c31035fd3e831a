import type { Argv } from 'yargs'
import type { Task } from '#app/project/experiments/queue'
import { command } from '../command.ts'

const status = command({
  command: 'status',
  describe: 'What waits, runs and has ended',
  builder: (argv: Argv) =>
    argv.option('limit', { type: 'number', default: 50, describe: 'The newest ones to show' }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { tableLines, timeOf } = await import('../table.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments: { queue } }) => {
      const tasks = await queue.tasks()
      const waiting = await queue.waiting()
      const workers = queue.workers()
      const all: readonly (Partial<Omit<Task, 'status'>> &
        Pick<Task, 'stash' | 'name'> & { status: string })[] = [
        ...tasks,
        ...waiting.map((task) => Object.assign({ status: 'queued' }, task)),
      ]
      const shown = all.slice(-Math.max(1, flags.limit))
      const rows = shown.map((each) => [
        each.stash.slice(0, 7),
        each.name,
        timeOf(each.endedAtMs ?? each.startedAtMs ?? each.queuedAtMs),
        each.status,
        each.reason ?? '',
      ])
      say(flags, { tasks: shown, total: all.length, workers }, [
        ...(rows.length === 0
          ? ['No experiment waits or was queued.']
          : tableLines(['Task', 'Name', 'Since', 'Status', 'Why'], rows)),
        ...(shown.length < all.length
          ? [`${all.length - shown.length} more; add --limit ${all.length}`]
          : []),
        `${workers.length} worker${workers.length === 1 ? '' : 's'}`,
      ])
    })
  },
})

const start = command({
  command: 'start',
  describe: 'Start a worker that runs what waits, and goes on without this terminal',
  builder: (argv: Argv) =>
    argv.option('jobs', {
      alias: 'j',
      type: 'number',
      default: 1,
      describe: 'Experiments at once',
    }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { jobsOf } = await import('./work.ts')
    const { say } = await import('../say.ts')
    const { spawn } = await import('node:child_process')
    const { mkdirSync, openSync } = await import('node:fs')
    const { join } = await import('node:path')
    await withExperiments(async ({ here, experiments }) => {
      const jobs = await jobsOf(flags.jobs)
      const waiting = await experiments.queue.waiting()
      if (waiting.length === 0)
        return say(flags, { pid: null, waiting: 0 }, [
          'Nothing waits; queue an experiment with `orrery exp run --queue`.',
        ])
      mkdirSync(experiments.ground.own, { recursive: true })
      const log = openSync(join(experiments.ground.own, 'worker.log'), 'a')
      const words = ['exp', 'run', '--run-all', '--jobs', String(jobs)]
      const child = spawn(
        process.execPath,
        [...process.execArgv, process.argv[1] ?? '', ...words],
        {
          cwd: here.root,
          detached: true,
          stdio: ['ignore', log, log],
        },
      )
      child.unref()
      say(flags, { pid: child.pid ?? null, waiting: waiting.length }, [
        `a worker (process ${child.pid}) runs ${waiting.length} experiment${waiting.length === 1 ? '' : 's'}; \`orrery exp queue status\` tells how far it is`,
      ])
    })
  },
})

const stop = command({
  command: 'stop',
  describe: 'Let workers end once what they run has ended',
  builder: (argv: Argv) =>
    argv.option('kill', { type: 'boolean', default: false, describe: 'End what they run, too' }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments: { queue } }) => {
      const workers = queue.workers()
      const killed = await queue.stop({ kill: flags.kill })
      say(flags, { workers, killed }, [
        `${workers.length} worker${workers.length === 1 ? '' : 's'} will end${killed.length === 0 ? '' : `; ended: ${killed.join(', ')}`}`,
      ])
    })
  },
})

const kill = command({
  command: 'kill <names..>',
  describe: 'End experiments that run',
  builder: (argv: Argv) =>
    argv.positional('names', { type: 'string', array: true, demandOption: true }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    await withExperiments(async ({ experiments: { queue } }) => {
      const killed = await queue.kill(flags.names.map(String))
      say(
        flags,
        { killed },
        killed.map((name) => `${name} is being ended`),
      )
    })
  },
})

const remove = command({
  command: 'remove [names..]',
  describe: 'Take experiments out of the queue, or out of the list of those that ended',
  builder: (argv: Argv) =>
    argv
      .positional('names', { type: 'string', array: true })
      .option('queued', { type: 'boolean', default: false, describe: 'All that wait' })
      .option('failed', { type: 'boolean', default: false, describe: 'All that failed' })
      .option('success', {
        type: 'boolean',
        default: false,
        describe: 'All that succeeded; what they made stays',
      })
      .option('all', { type: 'boolean', default: false, describe: 'All of these' }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    const { Problem } = await import('#base/problem')
    const names = (flags.names ?? []).map(String)
    const all = {
      queued: flags.all || flags.queued,
      failed: flags.all || flags.failed,
      success: flags.all || flags.success,
    }
    if (names.length === 0 && !all.queued && !all.failed && !all.success)
      throw new Problem(
        'invalid',
        'name experiments, or add --queued, --failed, --success or --all',
      )
    await withExperiments(async ({ experiments: { queue } }) => {
      const removed = await queue.remove({ names, ...all })
      say(
        flags,
        { removed },
        removed.length === 0 ? ['Nothing to remove.'] : removed.map((name) => `removed ${name}`),
      )
    })
  },
})

const logs = command({
  command: 'logs <name>',
  describe: 'What a queued experiment printed',
  builder: (argv: Argv) =>
    argv.positional('name', { type: 'string', demandOption: true }).option('follow', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Go on as it prints',
    }),
  handler: async (flags) => {
    const { withExperiments } = await import('./open.ts')
    const { say } = await import('../say.ts')
    const { existsSync, readFileSync } = await import('node:fs')
    const { setTimeout: sleep } = await import('node:timers/promises')
    await withExperiments(async ({ experiments: { queue } }) => {
      const { task, file, isRunning } = await queue.log(flags.name)
      const read = () => (existsSync(file) ? readFileSync(file) : Buffer.alloc(0))
      if (flags.json === true) return say(flags, { ...task, log: read().toString('utf8') }, [])
      let shown = 0
      for (;;) {
        const isLast = !flags.follow || !isRunning()
        const bytes = read()
        process.stdout.write(bytes.subarray(shown))
        shown = bytes.length
        if (isLast) break
        await sleep(250)
      }
      if (task.reason !== undefined)
        process.stderr.write(`${task.name} ${task.status}: ${task.reason}\n`)
    })
  },
})

export const queue = command({
  command: 'queue <command>',
  describe: 'Experiments that wait for a worker',
  builder: (argv) =>
    [status, start, stop, kill, remove, logs]
      .reduce((all, each) => all.command(each), argv)
      .demandCommand(1, 'Name what to do: status, start, stop, kill, remove or logs.'),
  handler: () => {},
})
