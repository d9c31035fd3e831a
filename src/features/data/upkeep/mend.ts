import { messageOf } from '#base/problem'
import type { References, Use } from './references.ts'
import { putAside, type Finding, type Outcome, type Scrubbing } from './scrubbing.ts'
import { isRightOn, keyOf, type Shelf } from './shelf.ts'
import type { ObjectName } from '../store.ts'

interface Needed {
  readonly references: References
  /** Lists that lie there with the bytes of their name, and are none. */
  readonly refused: ReadonlySet<string>
}

type Source = { readonly name: string | undefined; readonly shelf: Shelf } | undefined

/**
 * Sees to it that the cache has what is needed: damaged objects go aside, and what lacks comes from the
 * workspace, or from the remote. A mended list tells of further files, so it is looked again until nothing is new.
 */
export async function mendCache(
  scrubbing: Scrubbing,
  needed: () => Promise<Needed>,
  remote: Source,
): Promise<{ notHere: Use[] }> {
  const { dependencies, damaged, request } = scrubbing
  const { shelf } = dependencies
  const isAside = new Map<string, boolean>()
  for (const [key, object] of damaged) isAside.set(key, await putAside(scrubbing, shelf, object))
  const told = new Set<string>()
  const notHere = new Map<string, Use>()
  for (let again = true; again;) {
    again = false
    notHere.clear()
    const { references, refused } = await needed()
    const lacking = await lackingIn(scrubbing, references)
    const here = await startedOuts(scrubbing, references, lacking)
    for (const { object, use } of lacking) {
      const key = keyOf(object)
      if (told.has(key)) continue
      const isDamaged = damaged.has(key)
      const lost = isDamaged || here.has(outKey(use))
      const outcome = await replaced(scrubbing, { object, use, remote, lost })
      if (outcome === undefined) {
        notHere.set(outKey(use), use)
        continue
      }
      told.add(key)
      again ||= outcome.kind === 'mended' && object.md5.endsWith('.dir')
      scrubbing.findings.push({
        place: shelf.name,
        fault: isDamaged ? 'damaged' : 'missing',
        name: object.md5,
        neededBy: use,
        outcome,
      })
    }
    if (!again) tellRefused(scrubbing, references, refused)
  }
  for (const [key, object] of damaged)
    if (!told.has(key))
      scrubbing.findings.push(
        unneeded(shelf, object, { dry: request.dry, aside: isAside.get(key) }),
      )
  return { notHere: [...notHere.values()] }
}

function outKey({ path, owner, by }: Use): string {
  return `${path}\0${owner}\0${by.kind === 'revision' ? by.commit : by.kind}`
}

async function lackingIn(
  { dependencies, damaged }: Scrubbing,
  references: References,
): Promise<{ object: ObjectName; use: Use }[]> {
  const lacking: { object: ObjectName; use: Use }[] = []
  for (const each of references.all())
    if (damaged.has(keyOf(each.object)) || !(await dependencies.shelf.look(each.object)))
      lacking.push(each)
  return lacking
}

/** Outs of which something is in the cache: what else of them lacks was lost. */
async function startedOuts(
  { damaged }: Scrubbing,
  references: References,
  lacking: readonly { object: ObjectName }[],
): Promise<Set<string>> {
  const missing = new Set(lacking.map(({ object }) => keyOf(object)))
  const here = new Set<string>()
  for (const { object, use } of references.all())
    if (!missing.has(keyOf(object)) || damaged.has(keyOf(object))) here.add(outKey(use))
  return here
}

/** Undefined for what is not here and need not be. */
async function replaced(
  scrubbing: Scrubbing,
  { object, use, remote, lost }: { object: ObjectName; use: Use; remote: Source; lost: boolean },
): Promise<Outcome | undefined> {
  const { dependencies, request } = scrubbing
  if (request.dry === true) return lost ? { kind: 'untouched' } : undefined
  const { shelf } = dependencies
  const isThere = async () =>
    (await shelf.look(object)) !== undefined && (await isRightOn(shelf, object))
  if (await isThere()) return { kind: 'mended', how: 'replaced before' }
  if (use.by.kind === 'workspace' && (await keptFromWorkspace(scrubbing, object, use))) {
    if (await isThere()) {
      scrubbing.damaged.delete(keyOf(object))
      return { kind: 'mended', how: `from ${pathOf(use)} in the workspace` }
    }
    await putAside(scrubbing, shelf, object)
  }
  // What was never fetched is no fault, as long as it is where it comes from.
  if (!lost && (remote === undefined || (await remote.shelf.look(object)) !== undefined))
    return undefined
  if (remote === undefined)
    return {
      kind: 'broken',
      why: 'the workspace has it no more; `orrery fsck --remote NAME` looks for it on a remote',
    }
  if ((await remote.shelf.look(object)) === undefined)
    return { kind: 'broken', why: `${remote.shelf.name} has it neither` }
  const [failed] = await (await dependencies.remote(remote.name)).download([object])
  if (failed !== undefined) return { kind: 'broken', why: failed.reason }
  if (await isThere()) {
    scrubbing.damaged.delete(keyOf(object))
    return { kind: 'mended', how: `from ${remote.shelf.name}` }
  }
  await putAside(scrubbing, shelf, object)
  return { kind: 'broken', why: `what ${remote.shelf.name} has of it is damaged as well` }
}

function pathOf({ path, part }: Use): string {
  return part === undefined ? path : `${path}/${part}`
}

/** Measured anew, so that a file with other bytes never gets the object's name. */
async function keptFromWorkspace(
  { dependencies }: Scrubbing,
  object: ObjectName,
  use: Use,
): Promise<boolean> {
  const { workspace, cache } = dependencies
  const path = pathOf(use)
  try {
    const measured = await workspace.measure(path, { legacy: object.legacy })
    if (measured?.content.md5 !== object.md5) return false
    if (measured.entries === undefined) await workspace.keep(path, measured)
    else await cache.keepTree(measured.entries)
    return true
  } catch {
    // A link to nothing, or a name that cannot be data: no help from here.
    return false
  }
}

function tellRefused(
  { findings, dependencies }: Scrubbing,
  references: References,
  refused: ReadonlySet<string>,
): void {
  for (const { object, use } of references.all())
    if (refused.has(keyOf(object)))
      findings.push({
        place: dependencies.shelf.name,
        fault: 'refused list',
        name: object.md5,
        neededBy: use,
        outcome: {
          kind: 'broken',
          why: 'it names files that would lie outside the folder, or twice in one place; it was written by something else than dvc',
        },
      })
}

function unneeded(
  shelf: Shelf,
  { md5 }: ObjectName,
  { dry, aside }: { dry: boolean | undefined; aside: boolean | undefined },
): Finding {
  const outcome: Outcome =
    aside === true
      ? { kind: 'put aside' }
      : dry === true
        ? { kind: 'untouched' }
        : { kind: 'broken', why: `${shelf.name} cannot put it aside` }
  return { place: shelf.name, fault: 'damaged', name: md5, neededBy: undefined, outcome }
}

/** Sees to it that the remote has what is needed, right: from the cache, which was mended before. */
export async function mendRemote(
  scrubbing: Scrubbing,
  references: References,
  remote: NonNullable<Source>,
): Promise<{ place: string; objects: number; bytes: number }> {
  const { findings, request } = scrubbing
  const sum = { place: remote.shelf.name, objects: 0, bytes: 0 }
  const files: { object: ObjectName; use: Use }[] = []
  const lists: { object: ObjectName; use: Use }[] = []
  for (const each of references.all())
    if (each.use.goesTo === undefined || each.use.goesTo === remote.name)
      (each.object.md5.endsWith('.dir') ? lists : files).push(each)
  // Lists last, since they are proof of their files.
  const all = [...files, ...lists]
  for (let from = 0; from < all.length; from += READ_TOGETHER) {
    const batch = all.slice(from, from + READ_TOGETHER)
    const wrong = await wrongOn(scrubbing, remote.shelf, batch)
    for (const { object, use } of batch) {
      const there = await remote.shelf.look(object)
      sum.objects++
      sum.bytes += there?.sizeBytes ?? 0
      request.onChecked?.(1, there?.sizeBytes ?? 0)
      if (there !== undefined && !wrong.has(keyOf(object))) continue
      const fault = there === undefined ? 'missing' : 'damaged'
      const outcome = await uploaded(scrubbing, { object, fault, remote }).catch(
        (error: unknown): Outcome => ({ kind: 'broken', why: messageOf(error) }),
      )
      findings.push({ place: remote.shelf.name, fault, name: object.md5, neededBy: use, outcome })
    }
  }
  return sum
}

/** Objects that are read between two words on how far it has come. */
const READ_TOGETHER = 64

/** Of what is there, what has another size than in the cache, or, where all is read, other bytes. */
async function wrongOn(
  { dependencies, damaged, request }: Scrubbing,
  shelf: Shelf,
  objects: readonly { readonly object: ObjectName }[],
): Promise<Set<string>> {
  const wrong = new Set<string>()
  const toRead: ObjectName[] = []
  for (const { object } of objects) {
    const there = await shelf.look(object)
    if (there === undefined) continue
    const here = damaged.has(keyOf(object)) ? undefined : await dependencies.shelf.look(object)
    if (here !== undefined && there.sizeBytes !== here.sizeBytes) wrong.add(keyOf(object))
    else if (request.deep === true) toRead.push(object)
  }
  for (const object of await shelf.wrongAmong(toRead)) wrong.add(keyOf(object))
  return wrong
}

async function uploaded(
  scrubbing: Scrubbing,
  at: { object: ObjectName; fault: 'damaged' | 'missing'; remote: NonNullable<Source> },
): Promise<Outcome> {
  const { dependencies, damaged, request } = scrubbing
  const { object, fault, remote } = at
  if (request.dry === true) return { kind: 'untouched' }
  const isHere =
    !damaged.has(keyOf(object)) && (await dependencies.shelf.look(object)) !== undefined
  if (!isHere)
    return {
      kind: 'broken',
      why: `the cache has no good copy of it; whoever has one can mend it with \`orrery fsck --remote\``,
    }
  if (fault === 'damaged' && !(await putAside(scrubbing, remote.shelf, object)))
    await remote.shelf.remove(object)
  const [failed] = await (await dependencies.remote(remote.name)).upload([object])
  return failed === undefined
    ? { kind: 'mended', how: 'from the cache' }
    : { kind: 'broken', why: failed.reason }
}
