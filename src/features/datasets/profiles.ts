import { sha256 } from '#base/digest'
import { PROFILE_VERSION, type ProfileStore, type TableProfile } from '#tables'
import type { Handler, Job, WorkReads } from '#work'
import type { VersionName } from './dataset.ts'
import type { DatasetTx, VersionProfiler } from './store.ts'

/** How it stands with the profile of a version. */
export type ProfileState =
  | { readonly state: 'none' }
  | { readonly state: 'waiting' }
  /** From 0 to 1, where it is known. */
  | { readonly state: 'running'; readonly progress: number | null }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'ready'; readonly profile: TableProfile }

export interface VersionProfiles {
  of(version: VersionName): Promise<ProfileState>
  /** Has it made as a job, unless it is there or on its way. */
  ask(version: VersionName): Promise<ProfileState>
  readonly handler: Handler
}

export const PROFILE_DATASET = 'profile-dataset'

export function createProfiles({
  work,
  transact,
  profiler,
  kept,
}: {
  work: Pick<WorkReads, 'find'>
  transact: <T>(work: (tx: DatasetTx) => Promise<T>) => Promise<T>
  profiler: VersionProfiler
  kept: ProfileStore
}): VersionProfiles {
  const running = new Map<string, number>()

  const keptOf = async (version: VersionName) => {
    const profile = await kept.find(digestOf(version))
    return profile?.version === PROFILE_VERSION ? profile : undefined
  }
  const of = async (version: VersionName): Promise<ProfileState> => {
    const profile = await keptOf(version)
    if (profile !== undefined) return { state: 'ready', profile }
    return stateOf((await newestJob(work, version)).job, running.get(digestOf(version)))
  }

  return {
    of,
    ask: async (version) => {
      const known = await of(version)
      if (known.state !== 'none' && known.state !== 'failed') return known
      await transact(async (tx) => {
        const { job, next } = await newestJob(tx.work, version)
        if (job?.state === 'waiting' || job?.state === 'running') return
        const { project, path, md5 } = version
        const payload = { project, path, md5 }
        await tx.work.enqueue([{ kind: PROFILE_DATASET, key: next, payload }])
      })
      return of(version)
    },
    handler: {
      kind: PROFILE_DATASET,
      concurrency: 1,
      // Bytes that are not there now are not there in a second: whoever brings them asks again.
      attemptsMax: 1,
      run: async ({ payload }, signal) => {
        const version = payload as unknown as VersionName
        const digest = digestOf(version)
        if ((await keptOf(version)) !== undefined) return
        try {
          const making = profiler.profile(version, (share) => running.set(digest, share))
          await kept.save(digest, await orStopped(making, signal))
        } finally {
          running.delete(digest)
        }
      },
    },
  }
}

/** The same bytes under a name that is read in the same way have one profile. */
function digestOf({ path, md5 }: VersionName): string {
  const ending = /(?:\.[A-Za-z0-9]+){1,2}$/.exec(path)?.[0].toLowerCase() ?? ''
  return sha256(`version ${ending} ${md5}`)
}

function stateOf(job: Job | undefined, progress: number | undefined): ProfileState {
  if (job?.state === 'waiting') return { state: 'waiting' }
  if (job?.state === 'running') return { state: 'running', progress: progress ?? null }
  if (job?.state === 'failed')
    return { state: 'failed', reason: job.error ?? 'it could not be made' }
  // One that was done and is no longer kept is made again.
  return { state: 'none' }
}

/** Jobs of a version are numbered, since one that was done is never done again. */
async function newestJob(
  work: Pick<WorkReads, 'find'>,
  version: VersionName,
): Promise<{ job: Job | undefined; next: string }> {
  const keyOf = (number: number) => `${PROFILE_DATASET}:${digestOf(version)}:${number}`
  let job: Job | undefined
  for (let number = 1; ; number++) {
    const found = await work.find(keyOf(number))
    if (found === undefined) return { job, next: keyOf(number) }
    job = found
  }
}

/** A server that stops does not wait for a scan; its next start begins it anew. */
async function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const stopped = Promise.withResolvers<never>()
  const stop = () => stopped.reject(new Error('the server is stopping'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, stopped.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
