import { invariant } from '#base/invariant'
import type { Entry, Fact, LedgerWrites } from '#ledger'
import { allHeld, checkedReason, type Author, type SlotChange } from './change.ts'
import type { KeptChange } from './history-store.ts'
import { isPrompt } from './model.ts'
import type { RegistryWrites } from './store.ts'

export interface RegistryTx {
  readonly registry: RegistryWrites
  readonly ledger: LedgerWrites
}

/** What a fact tells, slot by slot. */
export interface Told {
  readonly fact: Fact
  readonly changes: readonly SlotChange[]
  /** Why, where the fact says so already and nobody gave another reason. */
  readonly cause?: string
}

/**
 * Tells a change of the registry to the ledger and keeps it in the model's history: both in the transaction of
 * the change, which was made before. `model` is the name it had before the change.
 */
export async function record(
  tx: RegistryTx,
  by: Author,
  model: string,
  { fact, changes, cause }: Told,
): Promise<void> {
  const entry = await told(tx, by, fact)
  const named = changes.find(({ kind }) => kind === 'model')
  if (named?.before === null) return begin(tx, by, entry, changes)
  const life = await tx.registry.findLife(model, entry.position)
  if (life === undefined) return begin(tx, by, entry, await heldNow(tx, model, changes))
  const why = cause === undefined || reasonOf(by) !== null ? by : { ...by, reason: cause }
  await tx.registry.appendChanges(kept(entry, why, life.life, changes))
  if (named === undefined) return
  await tx.registry.endName(life.life, entry.position)
  if (named.after !== null)
    await tx.registry.beginName({ ...life, name: named.after, position: entry.position })
}

/**
 * Begins the history of a model that was put into the registry by other means, an import say: all that it
 * holds now, under the fact that tells of it.
 */
export async function recordWhole(
  tx: RegistryTx,
  by: Author,
  model: string,
  fact: Fact,
): Promise<void> {
  const entry = await told(tx, by, fact)
  await begin(tx, by, entry, await heldNow(tx, model, []))
}

async function told({ ledger }: RegistryTx, by: Author, fact: Fact): Promise<Entry> {
  const reason = reasonOf(by)
  const [position] = await ledger.append({ kind: by.kind, id: by.id }, [
    reason === null ? fact : { ...fact, data: { ...fact.data, reason } },
  ])
  const entry = position === undefined ? undefined : await ledger.find(position)
  invariant(entry !== undefined, 'what was appended is there')
  return entry
}

async function begin(
  { registry }: RegistryTx,
  by: Author,
  entry: Entry,
  changes: readonly SlotChange[],
): Promise<void> {
  const name = changes.find(({ kind }) => kind === 'model')?.after
  // Nobody can ask for a model that is gone by its name, so there is nothing to begin.
  if (name === undefined || name === null) return
  const model = await registry.findModel(name)
  const { position } = entry
  await registry.beginName({
    life: position,
    name,
    position,
    createdMs: model?.createdMs ?? entry.atMs,
  })
  await registry.appendChanges(kept(entry, by, position, changes))
}

/** A model without a history begins one with all that it holds, this change included. */
async function heldNow(
  { registry }: RegistryTx,
  name: string,
  changes: readonly SlotChange[],
): Promise<SlotChange[]> {
  const renamed = changes.find(({ kind }) => kind === 'model')
  const model = await registry.findModel(renamed?.after ?? name)
  if (model === undefined) return []
  const versions = await registry.searchVersions({
    kind: isPrompt(model.tags) ? 'prompt' : 'model',
    conditions: [{ field: { of: 'attribute', name: 'model' }, comparator: '=', value: model.name }],
    order: [],
    limit: Number.MAX_SAFE_INTEGER - 1,
  })
  const held = allHeld(
    model,
    versions.map(({ item }) => item),
  )
  const touched = new Set(changes.map(slotName))
  return [...held.filter((each) => !touched.has(slotName(each))), ...changes]
}

function kept(
  { position, atMs }: Entry,
  by: Author,
  life: number,
  changes: readonly SlotChange[],
): KeptChange[] {
  const reason = reasonOf(by)
  const actor = { kind: by.kind, id: by.id }
  return changes
    .filter(({ before, after }) => before !== after)
    .map((change, ordinal) =>
      Object.assign({ position, ordinal, life, atMs, actor, reason }, change),
    )
}

function reasonOf({ reason }: Author): string | null {
  return reason === undefined || reason.trim() === '' ? null : checkedReason(reason)
}

function slotName({ kind, version, key }: SlotChange): string {
  return JSON.stringify([kind, version, key])
}
