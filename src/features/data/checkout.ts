import { Problem } from '#base/problem'
import { measuredInCache } from './change.ts'
import type { Content, Measured } from './content.ts'
import type { DataDependencies } from './dependencies.ts'
import { nameOf, type Out, type Selection } from './out.ts'
import type { Cache, Restored, RestoreHow, Workspace } from './store.ts'
import { entriesWithin, membersOf, objectOf } from './transfer.ts'

export interface CheckedOut {
  readonly path: string
  readonly result: Restored
}

export interface Checkout {
  readonly outs: readonly CheckedOut[]
  readonly failed: readonly { readonly path: string; readonly reason: string }[]
}

export async function checkoutAll(
  { workspace, cache }: DataDependencies,
  selection: readonly Selection[],
  how: RestoreHow,
): Promise<Checkout> {
  const outs: CheckedOut[] = []
  const failed: { path: string; reason: string }[] = []
  // All lists are read before anything is written: one that is refused must not leave half of the rest.
  const wanted = await wantedFor(cache, selection)
  for (const { out, part } of selection) {
    if (!out.cached || out.content === undefined) continue
    const measured = wanted.get(out)
    const reason = await missingFor(cache, out.content, { out, part, wanted: measured })
    if (measured === undefined || reason !== undefined) {
      failed.push({ path: out.path, reason: reason ?? 'its list is not in the cache' })
      continue
    }
    if (part === undefined)
      outs.push({ path: out.path, result: await workspace.restore(out.path, measured, how) })
    else outs.push(...(await restorePart(workspace, { out, part }, measured, how)))
  }
  return { outs, failed }
}

async function wantedFor(
  cache: Cache,
  selection: readonly Selection[],
): Promise<Map<Out, Measured>> {
  const wanted = new Map<Out, Measured>()
  for (const { out } of selection) {
    if (!out.cached || out.content === undefined || wanted.has(out)) continue
    try {
      const measured = await measuredInCache(cache, out.content, out.files)
      if (measured !== undefined) wanted.set(out, measured)
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      throw new Problem(error.code, `${out.path} (${nameOf(out.owner)}): ${error.message}`)
    }
  }
  return wanted
}

async function missingFor(
  cache: Cache,
  content: Content,
  { out, wanted, part }: Selection & { wanted: Measured | undefined },
): Promise<string | undefined> {
  if (wanted === undefined)
    return `its list ${content.md5} is not in the cache; run \`orrery pull\``
  // That is known much sooner than which are missing, if any.
  if (part === undefined && out.files === undefined && (await cache.holds(content)))
    return undefined
  const objects =
    wanted.entries === undefined
      ? [objectOf(wanted)]
      : membersOf(content, entriesWithin(wanted.entries, part))
  const missing = await cache.missing(objects)
  if (missing.length === 0) return undefined
  return `${missing.length} of ${objects.length} objects are not in the cache (${missing[0]?.md5 ?? ''}); run \`orrery pull\``
}

async function restorePart(
  workspace: Workspace,
  { out, part }: { out: Out; part: string },
  wanted: Measured,
  how: RestoreHow,
): Promise<CheckedOut[]> {
  const legacy = out.content?.legacy ?? false
  const entries = entriesWithin(wanted.entries ?? [], part)
  if (entries.length === 0)
    throw new Problem(
      'not-found',
      `${out.path} has no ${part} in it, as ${nameOf(out.owner)} has it`,
    )
  const done: CheckedOut[] = []
  for (const { path, md5 } of entries) {
    const whole = `${out.path}/${path}`
    done.push({
      path: whole,
      result: await workspace.restore(whole, { content: { md5, legacy } }, how),
    })
  }
  return done
}
