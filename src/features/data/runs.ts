import { messageOf } from '#base/problem'
import type { Content } from './content.ts'
import type { Cargo } from './transfer.ts'

/** What a place remembers of runs: texts by their names, `runs/<2 hex>/<key>/<value>`. */
export interface RunHistory {
  names(): Promise<readonly string[]>
  read(name: string): Promise<string | undefined>
  /** Adds a run wholly or not at all. */
  add(name: string, text: string): Promise<void>
}

/** The run caches of the project and of its remotes. */
export interface RunPlaces {
  readonly here: RunHistory
  /** Undefined for a remote that cannot tell what it has. */
  at(remote: string | undefined): Promise<RunHistory | undefined>
  /** What the run of that name brought forth; undefined for a text that is not this run. */
  outsOf(name: string, text: string): readonly (Content & { readonly path: string })[] | undefined
}

/** A run that one place remembers and the other does not. */
export interface LackingRun {
  readonly name: string
  readonly text: string
  /** What it brought forth. */
  readonly outs: readonly Cargo[]
}

type Failures = { path: string; reason: string }[]

/** The runs that one place remembers and the other does not. */
export async function lackingRuns(
  { outsOf }: Pick<RunPlaces, 'outsOf'>,
  { from, to }: { from: RunHistory; to: RunHistory },
): Promise<{ found: LackingRun[]; failed: Failures }> {
  const there = new Set(await to.names())
  const found: LackingRun[] = []
  const failed: Failures = []
  for (const name of await from.names()) {
    if (there.has(name)) continue
    // oxlint-disable-next-line no-await-in-loop -- each is small
    const text = await from.read(name)
    if (text === undefined) continue
    const outs = outsOf(name, text)
    if (outs === undefined)
      failed.push({ path: name, reason: 'it is not the run that its name says; remove it' })
    else
      found.push({
        name,
        text,
        outs: outs.map(({ path, ...content }) => ({ path, content, part: undefined })),
      })
  }
  return { found, failed }
}

/** Adds runs to a place; gives those that could not be. */
export async function addedRuns(to: RunHistory, runs: readonly LackingRun[]): Promise<Failures> {
  const failed: Failures = []
  for (const { name, text } of runs)
    try {
      // oxlint-disable-next-line no-await-in-loop -- each is small
      await to.add(name, text)
    } catch (error) {
      failed.push({ path: name, reason: messageOf(error) })
    }
  return failed
}
