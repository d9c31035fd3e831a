import { Problem } from '#base/problem'
import type { PipelineRun, Recordings, RequestState, RequestTx, Requests } from '#pipelines'
import {
  askedToWire,
  recordedToWire,
  type ShownPipeline,
  type ShownPipelines,
} from './pipelines-wire.ts'

export interface PipelinesQuestion {
  readonly limit: number
  /** `next` of the page before. */
  readonly before?: string
  readonly project?: string
  readonly state?: RequestState
  readonly by?: 'people' | 'policies' | 'machines'
}

interface Sources {
  readonly recordings: Pick<Recordings, 'list'>
  readonly requests: Pick<Requests<RequestTx>, 'get' | 'list'>
}

/** One page looks at no more than this, however few of them are wanted. */
const LOOKED_AT_MAX = 2000
const BATCH = 100

/** Runs that this server was asked for and runs that others told of, as one list, newest first. */
export async function pipelinesPage(
  sources: Sources,
  question: PipelinesQuestion,
): Promise<ShownPipelines> {
  const at = placesIn(question.before)
  const streams = [
    question.by === 'machines' ? NONE : askedFrom(sources, question, at.asked),
    question.by === 'people' ? NONE : recordedFrom(sources, question, at.recorded),
  ]
  const heads = await Promise.all(streams.map((stream) => stream()))
  const runs: ShownPipeline[] = []
  for (let looked = 0; runs.length < question.limit; looked++) {
    const newest = newestOf(heads)
    if (newest === undefined) return { runs, next: null }
    const head = heads[newest]
    if (looked === LOOKED_AT_MAX || head === undefined) break
    at[head.kind] = head.id
    if (head.run !== null && isWanted(head.run, question)) runs.push(head.run)
    heads[newest] = await streams[newest]?.()
  }
  return { runs, next: newestOf(heads) === undefined ? null : `${at.asked}~${at.recorded}` }
}

/** An entry of one list; `run` is null for a recording of a run that was asked for, which is in the other. */
interface Head {
  readonly kind: 'asked' | 'recorded'
  readonly id: string
  readonly time: string
  readonly run: ShownPipeline | null
}

type Stream = () => Promise<Head | undefined>

const NONE: Stream = async () => undefined

function newestOf(heads: readonly (Head | undefined)[]): number | undefined {
  const times = heads.map((head) => head?.time ?? '')
  const latest = times.toSorted().at(-1) ?? ''
  return latest === '' ? undefined : times.indexOf(latest)
}

function isWanted({ state, askedBy, cause }: ShownPipeline, question: PipelinesQuestion): boolean {
  if (question.state !== undefined && state !== question.state) return false
  const byPolicy = cause !== null || askedBy?.kind === 'platform'
  if (question.by === 'policies') return byPolicy
  return question.by === undefined || !byPolicy
}

function placesIn(before: string | undefined): { asked: string; recorded: string } {
  const [, asked = '', recorded = ''] = /^([\w.-]*)~([\w.-]*)$/.exec(before ?? '~') ?? []
  if (before !== undefined && asked === '' && recorded === '')
    throw new Problem(
      'invalid',
      `${JSON.stringify(before)} is no place in the list; take \`next\` of the page before`,
    )
  return { asked, recorded }
}

function askedFrom({ requests }: Sources, question: PipelinesQuestion, before: string): Stream {
  const { project, state } = question
  return inBatches(before, async (place) => {
    const found = await requests.list({ limit: BATCH, ...place, ...given({ project, state }) })
    return found.map((request) => {
      const run = askedToWire(request)
      return { kind: 'asked', id: request.id, time: run.asked, run }
    })
  })
}

function recordedFrom(sources: Sources, question: PipelinesQuestion, before: string): Stream {
  // What waits, or has yet to begin, is told of by no other machine.
  if (question.state === 'queued' || question.state === 'waiting') return NONE
  const { project } = question
  return inBatches(before, async (place) => {
    const found = await sources.recordings.list({ limit: BATCH, ...place, ...given({ project }) })
    const asked = await askedAmong(sources, found)
    return found.map((each) => {
      const run = recordedToWire(each)
      const isAsked = asked.has(requestOf(each.id) ?? '')
      return { kind: 'recorded', id: each.id, time: run.asked, run: isAsked ? null : run }
    })
  })
}

function inBatches(before: string, read: (place: { before?: string }) => Promise<Head[]>): Stream {
  let heads: Head[] = []
  let last = before
  let isOver = false
  return async () => {
    if (heads.length === 0 && !isOver) {
      heads = await read(last === '' ? {} : { before: last })
      isOver = heads.length < BATCH
      last = heads.at(-1)?.id ?? last
    }
    return heads.shift()
  }
}

function given<Fields extends Record<string, string | undefined>>(fields: Fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]: NonNullable<Fields[Name]>
  }
}

/** The request that a recording is a turn of, if its id says the truth. */
export function requestOf(pipelineRun: string): string | undefined {
  return /^(.+)\.\d+$/.exec(pipelineRun)?.[1]
}

async function askedAmong(
  { requests }: Pick<Sources, 'requests'>,
  runs: readonly PipelineRun[],
): Promise<Set<string>> {
  const names = new Set(runs.flatMap(({ id }) => requestOf(id) ?? []))
  const known = await Promise.all(
    [...names].map((id) => requests.get(id).then(({ id: found }) => found, unlessUnknown)),
  )
  return new Set(known.filter((id) => id !== undefined))
}

/** Undefined for what is not there. */
export function unlessUnknown(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined
  throw error
}
