import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import { exclusively } from '#data'
import { lockToken, type Override, type ReproOptions, type ReproResult } from '#stages'
import { changedConfig } from '#protocols/dvc/config'
import { openOutsAside } from '#stores/dvc/aside'
import type { Before } from '#stores/dvc/experiment-tasks'
import { filesOf, kept, nameFor, type ExperimentGround } from './ground.ts'
import { openGround } from '../ground.ts'
import { applyOverrides, overriddenTexts } from '../overrides.ts'
import { readSettings } from '../settings.ts'
import { openWorkspace } from '../workspace.ts'

/** What is asked of an experiment. */
export interface ExperimentOrder {
  readonly overrides: readonly Override[]
  readonly name?: string | undefined
  readonly message?: string | undefined
  /** Replaces an experiment of that name. */
  readonly replace?: boolean
  /** Which stages run, and how. */
  readonly repro: ReproOptions
}

export interface ExperimentResult {
  readonly name: string
  readonly baseline: string
  /** What it is kept as; null where it did not succeed. */
  readonly commit: string | null
  readonly repro: ReproResult
}

/** Runs in the folder itself. When it fails, the folder is as it was. */
export async function runHere(
  ground: ExperimentGround,
  order: ExperimentOrder,
): Promise<ExperimentResult> {
  await recovered(ground)
  const { git, root, before } = ground
  const baseline = await git.head()
  const name = await nameFor(ground, { name: order.name, baseline, force: order.replace === true })
  // A kill may come between any two moments: what will be written is noted before it is.
  const onWrite = (path: string, text: string) =>
    before.noteMade({ texts: new Map([[path, text]]) })
  const project = namedWorkspace(ground, root, { name, baseline, onWrite })
  const loaded = await project.pipelines.load()
  // What cannot be applied is said before anything is noted or written.
  const texts = overriddenTexts(root, order.overrides)
  const outs = loaded.stages.flatMap((stage) => stage.outs.map(({ path }) => path))
  before.note({
    name,
    paths: [...new Set([...(await filesOf(project, loaded)), ...texts.keys()])].filter((path) =>
      isSmall(root, path),
    ),
    absent: outs.filter(
      (path) => lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined,
    ),
  })
  try {
    before.noteMade({ texts })
    await applyOverrides(root, order.overrides)
    const repro = await project.pipelines.repro(
      withEvents(order.repro, (event) => {
        if (event.kind === 'restoring') before.noteMade({ outs: event.outs })
        else if (event.kind !== 'output' && event.kind !== 'progress') before.noteMade()
      }),
    )
    if (repro.outcome !== 'succeeded') {
      await putBack(ground, { always: true })
      return { name, baseline, commit: null, repro }
    }
    const added = [...texts.keys()]
    const commit = await kept(ground, {
      name,
      baseline,
      folder: root,
      project,
      message: order.message,
      files: added,
    })
    before.forget()
    return { name, baseline, commit, repro }
  } catch (error) {
    await putBack(ground, { always: true })
    throw error
  }
}

/** More than this is no text of parameters or metrics. */
const NOTED_BYTES_MAX = 16 * 1024 * 1024

function isSmall(root: string, path: string): boolean {
  const found = lstatSync(join(root, path), { throwIfNoEntry: false })
  return found === undefined || (found.isFile() && found.size <= NOTED_BYTES_MAX)
}

function withEvents(
  options: ReproOptions,
  hear: NonNullable<ReproOptions['onEvent']>,
): ReproOptions {
  return {
    ...options,
    onEvent: (event) => {
      hear(event)
      options.onEvent?.(event)
    },
  }
}

/** Undoes what an experiment left behind whose process was killed; gives its name. */
export async function recovered(ground: ExperimentGround): Promise<string | undefined> {
  const left = ground.before.read()
  if (left === undefined) return undefined
  if (ground.before.isAlive(left)) {
    if (left.pid === process.pid) return undefined
    throw new Problem(
      'conflict',
      `the experiment ${left.name} runs in this folder (process ${left.pid}); wait for it, or add --temp to run beside it`,
    )
  }
  await outsBack(ground, left)
  await putBack(ground, { always: false })
  return left.name
}

/** What a stage was about to replace when its process was killed; what that had half written goes. */
async function outsBack(
  { root, dependencies, project, before }: ExperimentGround,
  left: Before,
): Promise<void> {
  const { locks, own } = openGround(root, dependencies)
  await exclusively(locks, async () => {
    const known = (await project.pipelines.load()).locks
    await openOutsAside(root, join(own, 'aside')).recover((stage) => lockToken(known.get(stage)))
    before.clear(left)
  })
}

async function putBack(ground: ExperimentGround, how: { always: boolean }): Promise<void> {
  const { before, project, root } = ground
  const left = before.read()
  if (left === undefined) return
  const back = before.putBack(left, how)
  if (left.restores === true || back.some((path) => path.endsWith('dvc.lock'))) {
    // Bytes that are kept nowhere else stay as they are: they are not the experiment's.
    await project.data.checkout([], { force: false }).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error
    })
    const loaded = await project.pipelines.load()
    const known = new Set(
      [...loaded.locks.values()].flatMap(({ outs }) => outs.map(({ path }) => path)),
    )
    for (const stage of loaded.stages)
      for (const out of stage.outs)
        if (left.absent.includes(out.path) && !known.has(out.written))
          rmSync(join(root, out.path), { recursive: true, force: true })
  }
  before.forget()
}

/** A commit with everything that an experiment starts from, without touching the folder. */
export async function startingPoint(
  ground: ExperimentGround,
  order: Pick<ExperimentOrder, 'overrides'>,
): Promise<{ tree: string; head: string }> {
  const { git, root, project } = ground
  const head = await git.head()
  const texts = overriddenTexts(root, order.overrides)
  const changed = (await project.data.status()).find(
    ({ owner, change }) => owner.kind === 'tracked' && change === 'modified',
  )
  if (changed !== undefined)
    throw new Problem(
      'conflict',
      `${changed.path} is not what its .dvc file says, so an experiment outside of this folder would run on other data; run \`orrery commit\` first, or run it here`,
    )
  return { tree: await git.snapshot(root, { texts }), head }
}

/** Runs in a work tree of its own, so that several can run at once and the folder stays as it is. */
export async function runApart(
  ground: ExperimentGround,
  what: {
    readonly tree: string
    readonly baseline: string
    readonly name: string
    readonly message?: string | undefined
    /** Where the work tree is made; it goes when the experiment ends. */
    readonly folder: string
    /** Untracked paths of the project that are taken along. */
    readonly copy?: readonly string[]
    readonly repro: ReproOptions
  },
): Promise<ExperimentResult> {
  const { git } = ground
  const { name, baseline } = what
  await ground.alone(() => git.workTree(baseline, what.folder))
  try {
    const root = join(what.folder, git.prefix)
    await filled(ground, { tree: what.tree, folder: what.folder, root, copy: what.copy ?? [] })
    const project = namedWorkspace(ground, root, { name, baseline })
    await project.data.checkout([], { force: true })
    const repro = await project.pipelines.repro(what.repro)
    if (repro.outcome !== 'succeeded') return { name, baseline, commit: null, repro }
    const commit = await kept(ground, {
      name,
      baseline,
      folder: root,
      project,
      message: what.message,
    })
    return { name, baseline, commit, repro }
  } finally {
    await ground.alone(() => git.dropWorkTree(what.folder))
  }
}

async function filled(
  ground: ExperimentGround,
  at: { tree: string; folder: string; root: string; copy: readonly string[] },
): Promise<void> {
  const { git, root } = ground
  await git.git(['-C', at.folder, 'read-tree', '--reset', '-u', at.tree])
  // What dvc packs for its own queue; it is no part of an experiment.
  rmSync(join(at.root, '.dvc', 'tmp'), { recursive: true, force: true })
  await git.git(['-C', at.root, 'rm', '-r', '-q', '--cached', '--ignore-unmatch', '--', '.dvc/tmp'])
  const local = join(root, '.dvc', 'config.local')
  const text = existsSync(local) ? readFileSync(local, 'utf8') : ''
  const dir = readSettings(root, ground.dependencies.variables).cacheFolder
  mkdirSync(join(at.root, '.dvc'), { recursive: true })
  writeFileSync(
    join(at.root, '.dvc', 'config.local'),
    changedConfig(text, [{ kind: 'set', section: 'cache', name: 'dir', value: dir }]),
  )
  for (const path of at.copy) {
    if (!existsSync(join(root, path)))
      throw new Problem('not-found', `${path} is not there, so it cannot be copied along`)
    mkdirSync(dirname(join(at.root, path)), { recursive: true })
    cpSync(join(root, path), join(at.root, path), { recursive: true, force: true })
  }
}

/** The project in a folder, whose stages are told which experiment they are of, as dvc tells them. */
function namedWorkspace(
  ground: ExperimentGround,
  root: string,
  {
    name,
    baseline,
    onWrite,
  }: { name: string; baseline: string; onWrite?: (path: string, text: string) => void },
) {
  const { dependencies } = ground
  return openWorkspace(root, {
    ...dependencies,
    onWrite,
    variables: {
      ...dependencies.variables,
      DVC_EXP_NAME: name,
      DVC_EXP_BASELINE_REV: baseline,
    },
  })
}
