import type { Argv } from 'yargs'
import { Problem } from '#base/problem'
import type { ShownRunDetail, ShownRunRequest } from '#protocols/api/run-requests-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { followRun } from '../runs/follow.ts'
import { listLines, runLines } from '../runs/lines.ts'
import { print } from '../table.ts'
import { remoteFlags } from './project.ts'

function flagsOf(argv: Argv) {
  return remoteFlags(argv)
    .positional('subject', {
      type: 'string',
      demandOption: true,
      describe: 'PROJECT or PROJECT@REV; or list, show, logs, cancel, approve, reject',
    })
    .positional('names', {
      type: 'string',
      array: true,
      describe: 'Stages, with all that they need; after the other words the run, and its stage',
    })
    .option('set-param', {
      alias: 'S',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Change a parameter: -S train.depth=5',
    })
    .option('variable', {
      alias: 'e',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'A variable for the commands of all stages: -e ORRERY_DATE=2026-01-31',
    })
    .option('force', {
      type: 'boolean',
      default: false,
      describe: 'Run stages that are up to date as well',
    })
    .option('detach', {
      alias: 'd',
      type: 'boolean',
      default: false,
      describe: 'Do not wait for the end',
    })
    .option('wait', { type: 'boolean', hidden: true })
    .option('id', { type: 'string', describe: 'Names the run: asked twice, it is one' })
    .option('lane', {
      type: 'string',
      describe:
        'Runs of one lane wait for each other (default: one for each project and branch); --no-lane waits for none',
    })
    .option('comment', { type: 'string', alias: ['m', 'reason'], describe: 'Why, for the history' })
    .option('follow', {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'For logs: go on while the run prints',
    })
    .option('from', { type: 'number', default: 0, describe: 'For logs: the byte to begin with' })
    .option('project', { type: 'string', describe: 'For list' })
    .option('branch', { type: 'string', describe: 'For list' })
    .option('state', { type: 'string', describe: 'For list: for example running or waiting' })
    .option('limit', { type: 'number', default: 20, describe: 'For list' })
    .option('before', { type: 'string', describe: 'For list: what the page before ended with' })
}

type Flags = Awaited<ReturnType<typeof flagsOf>['argv']> & { json?: boolean }

const ACTIONS: Readonly<Record<string, (api: ApiClient, flags: Flags) => Promise<void>>> = {
  list,
  show,
  logs,
  cancel,
  approve: (api, flags) => decide(api, flags, 'approve'),
  reject: (api, flags) => decide(api, flags, 'reject'),
}

export const run = command({
  command: 'run <subject> [names..]',
  describe:
    "Run a project's pipeline on the server: run flights@main train -S depth=5; also list, show, logs, cancel, approve, reject",
  builder: flagsOf,
  handler: async (given) => {
    const flags: Flags = given
    const api = apiClient(await serverUrl(flags))
    const act = Object.hasOwn(ACTIONS, flags.subject) ? ACTIONS[flags.subject] : undefined
    await (act ?? start)(api, flags)
  },
})

async function start(api: ApiClient, flags: Flags): Promise<void> {
  const [, project = '', rev] = /^([^@]*)(?:@(.+))?$/.exec(flags.subject) ?? []
  const lane: unknown = flags.lane
  const body = {
    project,
    ...(rev === undefined ? {} : { rev }),
    targets: flags.names ?? [],
    overrides: flags['set-param'] ?? [],
    variables: variablesOf(flags.variable ?? []),
    force: flags.force,
    ...(lane === undefined ? {} : { lane: lane === false ? null : lane }),
  }
  const named = flags.id === undefined ? {} : { 'idempotency-key': flags.id }
  const asked = await api.post<ShownRunRequest>('/run-requests', body, named)
  if (flags.detach || flags.wait === false)
    return print(flags.json, {
      value: asked,
      lines: [`run ${asked.id} is ${asked.state}; orrery run logs ${asked.id} -f follows it`],
    })
  await follow(api, asked.id, flags)
}

/** Until the end, whose outcome is the exit code; Ctrl-C leaves the run alone. */
async function follow(api: ApiClient, id: string, flags: Flags, only?: string): Promise<void> {
  const put = (text: string) => (flags.json === true ? process.stderr : process.stdout).write(text)
  const leaving = new AbortController()
  const leave = () => leaving.abort()
  process.on('SIGINT', leave)
  process.on('SIGTERM', leave)
  put(`run ${id}\n`)
  try {
    const how = { put, signal: leaving.signal, ...(only === undefined ? {} : { only }) }
    const ended = await followRun(api, id, how)
    if (ended === undefined) return left(id)
    print(flags.json, { value: ended, lines: [endOf(ended)] })
    if (ended.state !== 'succeeded') process.exitCode = 1
  } finally {
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
  }
}

/** As a shell tells of a program that was interrupted. */
const INTERRUPTED = 130

function left(id: string): void {
  process.stderr.write(
    `\nThe run goes on at the server.\n  orrery run logs ${id} -f   follows it again\n  orrery run cancel ${id}    ends it\n`,
  )
  process.exit(INTERRUPTED)
}

function endOf({ id, state, reason, lockBranch }: ShownRunDetail): string {
  const why = reason === null ? '' : `: ${reason}`
  const lock = lockBranch === null ? '' : `; its lock is on the branch ${lockBranch}`
  return `run ${id} ${state === 'cancelled' && why !== '' ? `was ${reason ?? state}` : `${state}${why}`}${lock}`
}

async function list(api: ApiClient, flags: Flags): Promise<void> {
  const { project, branch, state, limit, before } = flags
  const page = await api.get<{ runRequests: ShownRunRequest[]; next: string | null }>(
    '/run-requests',
    { project, branch, state, limit, before },
  )
  print(flags.json, { value: page, lines: listLines(page) })
}

async function show(api: ApiClient, flags: Flags): Promise<void> {
  const shown = await api.get<ShownRunDetail>(placeOf(flags))
  print(flags.json, { value: shown, lines: runLines(shown) })
}

async function cancel(api: ApiClient, flags: Flags): Promise<void> {
  const shown = await api.post<ShownRunRequest>(`${placeOf(flags)}/cancel`, {
    reason: flags.comment ?? null,
  })
  print(flags.json, { value: shown, lines: [`run ${shown.id} is being cancelled`] })
}

async function decide(api: ApiClient, flags: Flags, verb: 'approve' | 'reject'): Promise<void> {
  const stage = flags.names?.[1] ?? (await onlyWaiting(api, flags, verb))
  const shown = await api.post<ShownRunRequest>(`${placeOf(flags)}/${verb}`, {
    stage,
    comment: flags.comment ?? null,
  })
  const done = verb === 'approve' ? 'approved' : 'rejected'
  print(flags.json, { value: shown, lines: [`${done} stage ${stage} of run ${shown.id}`] })
}

/** The stage that is meant where only one waits. */
async function onlyWaiting(api: ApiClient, flags: Flags, verb: string): Promise<string> {
  const { approvals, id } = await api.get<ShownRunDetail>(placeOf(flags))
  const [stage, ...more] = approvals.filter(({ outcome }) => outcome === null)
  if (stage !== undefined && more.length === 0) return stage.stage
  throw new Problem(
    stage === undefined ? 'conflict' : 'invalid',
    stage === undefined
      ? `run ${id} waits for nobody's approval`
      : `several stages wait; name one: orrery run ${verb} ${id} ${stage.stage}`,
  )
}

interface LogPage {
  text: string
  next: number
  size: number
  complete: boolean
}

async function logs(api: ApiClient, flags: Flags): Promise<void> {
  const [id, stage] = [idIn(flags), flags.names?.[1]]
  if (flags.follow) return follow(api, id, flags, stage)
  if (stage === undefined) {
    const { stages } = await api.get<ShownRunDetail>(placeOf(flags))
    const begun = stages.filter(({ run: ran }) => ran !== null)
    const texts = await Promise.all(
      begun.map(async (each) => [each.stage, await whole(api, flags, each.stage)] as const),
    )
    return print(flags.json, {
      value: Object.fromEntries(texts),
      lines: texts.flatMap(([name, text]) =>
        text
          .trimEnd()
          .split('\n')
          .map((line) => `${name} | ${line}`),
      ),
    })
  }
  const text = await whole(api, flags, stage)
  if (flags.json === true) print(true, { value: { stage, text }, lines: [] })
  else process.stdout.write(text)
}

async function whole(api: ApiClient, flags: Flags, stage: string): Promise<string> {
  const place = `${placeOf(flags)}/stages/${encodeURIComponent(stage)}/log`
  let text = ''
  for (let from = flags.from; ;) {
    const page = await api.get<LogPage>(place, { from, limit: 1024 * 1024 })
    text += page.text
    if (page.text === '' || page.next >= page.size) return text
    from = page.next
  }
}

function idIn(flags: Flags): string {
  const id = flags.names?.[0]
  if (id !== undefined) return id
  throw new Problem(
    'invalid',
    `name the run: orrery run ${flags.subject} RUN; "orrery run list" lists them`,
  )
}

function placeOf(flags: Flags): string {
  return `/run-requests/${encodeURIComponent(idIn(flags))}`
}

function variablesOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at <= 0)
        throw new Problem('invalid', `${JSON.stringify(text)} is no variable; write NAME=VALUE`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}
