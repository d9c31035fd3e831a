import { sha256 } from '#base/digest'
import type { StageLock } from '#stages'
import { entryOf } from './lock-file.ts'
import { bareEntry } from './run-cache.ts'
import { pythonJson } from './python.ts'

/** Where DVC keeps experiments: `refs/exps/<two signs of the baseline>/<the rest>/<name>`. */
export const EXPERIMENTS = 'refs/exps/'
/** Where those that wait are, the newest first in its reflog; and those that failed. */
export const QUEUED = 'refs/exps/celery/stash'
export const FAILED = 'refs/exps/celery/failed'
/** What was applied last. */
export const APPLIED = 'refs/exps/exec/EXEC_APPLY'

export interface ExperimentName {
  /** The commit that it was made from. */
  readonly baseline: string
  readonly name: string
}

export function refOf({ baseline, name }: ExperimentName): string {
  return `${EXPERIMENTS}${baseline.slice(0, 2)}/${baseline.slice(2)}/${name}`
}

/** Undefined for a ref that is none of an experiment. */
export function experimentOf(ref: string): ExperimentName | undefined {
  const [, two, rest, name] =
    /^refs\/exps\/([0-9a-f]{2})\/([0-9a-f]{38,62})\/([^/]+)$/.exec(ref) ?? []
  return two === undefined || rest === undefined || name === undefined
    ? undefined
    : { baseline: two + rest, name }
}

/** Why a word cannot be the name of an experiment; undefined for one that can. */
export function nameFault(name: string): string | undefined {
  const isFine =
    /^[^\s~^:?*[\]\\/]+$/.test(name) &&
    !/^[-.@]|\.\.|@\{|\.lock$|\.$/.test(name) &&
    // eslint-disable-next-line no-control-regex
    !/[\u0000-\u0020\u007f]/.test(name)
  return isFine
    ? undefined
    : `${JSON.stringify(name)} cannot be the name of an experiment: use letters, digits, "-", "_" and "."`
}

/** What DVC writes of an experiment that waits. */
export function queuedMessage(at: { head: string } & ExperimentName): string {
  return `dvc-exp:${at.head}:${at.baseline}:${at.name}`
}

/** What such words say; undefined for others. */
export function queuedIn(message: string): ({ head: string } & ExperimentName) | undefined {
  const found = /^(?:commit: )?dvc-exp:([0-9a-f]+):([0-9a-f]+):([^~^:\\?[\]*]*)(?::.+)?$/.exec(
    message,
  )
  const [, head, baseline, name] = found ?? []
  return head === undefined || baseline === undefined
    ? undefined
    : { head, baseline, name: name ?? '' }
}

/** What DVC says of the commit of an experiment: the digest of all that its stages read and wrote. */
export function experimentMessage(locks: ReadonlyMap<string, StageLock>): string {
  const entries = new Map(
    [...locks].map(([name, lock]) => [name, bareEntry(entryOf(lock))] as const),
  )
  return `dvc: commit experiment ${sha256(pythonJson(new Map(entries)))}`
}

/**
 * The message by which DVC's own queue sees an experiment that waits: Celery's, in the folder that it uses as a
 * broker. `id` and `tag` are UUIDs.
 */
export function celeryMessage(
  task: ExperimentName & { root: string; top: string; stash: string; head: string },
  { id, tag }: { id: string; tag: string },
): string {
  const entry = {
    dvc_root: task.root,
    scm_root: task.top,
    stash_ref: QUEUED,
    stash_rev: task.stash,
    baseline_rev: task.baseline,
    branch: null,
    name: task.name,
    head_rev: task.head,
  }
  const nothing = { callbacks: null, errbacks: null, chain: null, chord: null }
  const body = JSON.stringify([[entry], { copy_paths: [], message: null }, nothing])
  return JSON.stringify({
    body: Buffer.from(body).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: {
      lang: 'py',
      task: 'dvc.repo.experiments.queue.tasks.run_exp',
      id,
      shadow: null,
      eta: null,
      expires: null,
      group: null,
      group_index: null,
      retries: 0,
      timelimit: [null, null],
      root_id: id,
      parent_id: null,
      argsrepr: '()',
      kwargsrepr: '{}',
      origin: 'orrery',
      ignore_result: false,
      replaced_task_nesting: 0,
      stamped_headers: null,
      stamps: {},
    },
    properties: {
      correlation_id: id,
      reply_to: id,
      delivery_mode: 2,
      delivery_info: { exchange: '', routing_key: 'celery' },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: tag,
    },
  })
}

/** Which waiting experiment such a message is about; undefined for another one. */
export function stashOfMessage(text: string): string | undefined {
  try {
    const { body } = JSON.parse(text) as { body?: unknown }
    const [args] = JSON.parse(Buffer.from(String(body), 'base64').toString('utf8')) as [
      { stash_rev?: string }[],
    ]
    return args[0]?.stash_rev
  } catch {
    return undefined
  }
}
