import { messageOf, Problem } from '#base/problem'
import type { Moved } from '#data'
import { experimentOf, EXPERIMENTS } from '#protocols/dvc/experiments'
import type { Experiment, ExperimentGround } from './ground.ts'

export interface Shared {
  readonly experiments: readonly string[]
  /** Those that the other side has otherwise. */
  readonly diverged: readonly string[]
  /** What became of their data; null where it was not asked for. */
  readonly data: { readonly objects: number; readonly failed: readonly string[] } | null
}

export interface SharingHow {
  readonly force: boolean
  /** False leaves the cached data where it is. */
  readonly cache: boolean
  /** DVC's remote for the data. */
  readonly remote?: string | undefined
}

/** Experiments that a Git remote has. */
export async function remoteExperiments(
  ground: ExperimentGround,
  remote: string,
): Promise<Experiment[]> {
  const text = await ground.git.git([
    'ls-remote',
    '--',
    await checked(ground, remote),
    `${EXPERIMENTS}*`,
  ])
  return text.split('\n').flatMap((line) => {
    const [commit = '', ref = ''] = line.split('\t')
    const named = experimentOf(ref)
    return named === undefined ? [] : [{ ...named, ref, commit, madeAtMs: 0, message: '' }]
  })
}

/** Data first: whoever sees an experiment can fetch what it made. */
export async function pushed(
  ground: ExperimentGround,
  to: { remote: string; experiments: readonly Experiment[] },
  how: SharingHow,
): Promise<Shared> {
  const remote = await checked(ground, to.remote)
  const data = how.cache ? await dataOf(ground, to.experiments, { ...how, move: 'push' }) : null
  const there = new Map(
    (await remoteExperiments(ground, remote)).map((each) => [each.ref, each.commit]),
  )
  const isOther = ({ ref, commit }: Experiment) => there.has(ref) && there.get(ref) !== commit
  const diverged = how.force ? [] : to.experiments.filter(isOther)
  const meant = to.experiments.filter((each) => !diverged.includes(each))
  if (meant.length > 0) {
    const specs = meant.map(({ ref }) => `${how.force ? '+' : ''}${ref}:${ref}`)
    await ground.git.git(['push', '--quiet', '--no-verify', '--atomic', remote, ...specs])
  }
  return {
    experiments: meant.map(({ name }) => name),
    diverged: diverged.map(({ name }) => name),
    data,
  }
}

export async function pulled(
  ground: ExperimentGround,
  from: { remote: string; experiments: readonly Experiment[] },
  how: SharingHow,
): Promise<Shared> {
  const remote = await checked(ground, from.remote)
  const here = new Map((await ground.all()).map((each) => [each.ref, each.commit]))
  const isOther = ({ ref, commit }: Experiment) => here.has(ref) && here.get(ref) !== commit
  const diverged = how.force ? [] : from.experiments.filter(isOther)
  const meant = from.experiments.filter((each) => !diverged.includes(each))
  if (meant.length > 0) {
    const specs = meant.map(({ ref }) => `${how.force ? '+' : ''}${ref}:${ref}`)
    await ground.alone(() =>
      ground.git.git(['fetch', '--quiet', '--no-tags', '--atomic', remote, ...specs]),
    )
  }
  const data = how.cache ? await dataOf(ground, meant, { ...how, move: 'fetch' }) : null
  return {
    experiments: meant.map(({ name }) => name),
    diverged: diverged.map(({ name }) => name),
    data,
  }
}

export async function removedThere(
  ground: ExperimentGround,
  remote: string,
  experiments: readonly Experiment[],
): Promise<void> {
  if (experiments.length === 0) return
  const specs = experiments.map(({ ref }) => `:${ref}`)
  await ground.git.git(['push', '--quiet', '--no-verify', await checked(ground, remote), ...specs])
}

async function dataOf(
  { project }: ExperimentGround,
  experiments: readonly Experiment[],
  how: SharingHow & { move: 'push' | 'fetch' },
): Promise<Shared['data']> {
  if (experiments.length === 0) return { objects: 0, failed: [] }
  const revisions = { revs: experiments.map(({ commit }) => commit) }
  const sharing = { revisions, ...(how.remote === undefined ? {} : { remote: how.remote }) }
  let moved: Moved
  try {
    moved = await project.data[how.move]([], sharing)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem(error.code, `${messageOf(error)}; or leave the data out with --no-cache`)
  }
  return { objects: moved.objects, failed: moved.failed.map(({ path }) => path) }
}

/** A remote's name or an address; nothing that Git would take for an option or run as a command. */
async function checked({ git }: ExperimentGround, remote: string): Promise<string> {
  const names = await git.remotes()
  if (names.includes(remote)) return remote
  const isAddress =
    /^(?:https?|ssh|file|git):\/\//.test(remote) ||
    /^[\w.-]+@[\w.-]+:/.test(remote) ||
    /^\.{0,2}\//.test(remote)
  if (isAddress) return remote
  throw new Problem(
    'invalid',
    `${remote} is no Git remote of this repository${names.length === 0 ? '' : ` (it has ${names.join(', ')})`}; add it with \`git remote add\`, or give an address`,
  )
}
