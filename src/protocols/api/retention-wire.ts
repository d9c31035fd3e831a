import type { Collection, Hold, Preview, Retention, TrashItem } from '#retention'

/** An item of the trash as the REST API shows it. */
export function itemToWire(item: TrashItem & { purgeAtMs: number }) {
  const { position, kind, id, name, experimentId, deletedMs, deletedBy, state, askedBy } = item
  return {
    item: position,
    kind,
    id,
    name,
    experiment: experimentId,
    deleted: timeOf(deletedMs),
    deletedBy,
    state,
    purgeAskedBy: askedBy,
    purgeAt: timeOf(item.purgeAtMs),
    files: item.files,
    bytes: item.sizeBytes,
  }
}

export function previewToWire({ items, freedObjects, freedBytes }: Preview) {
  return {
    things: items.map(({ sizeBytes, ...item }) => ({ ...item, bytes: sizeBytes })),
    freedObjects,
    freedBytes,
  }
}

export function holdToWire({ id, target, reason, placedBy, placedMs, untilMs }: Hold) {
  return {
    id,
    kind: target.kind,
    target: target.id,
    reason,
    placedBy,
    placed: timeOf(placedMs),
    until: untilMs === null ? null : timeOf(untilMs),
  }
}

export function sweepToWire({ startedMs, endedMs, ...sweep }: Collection) {
  return {
    ...sweep,
    started: timeOf(startedMs),
    ended: endedMs === null ? null : timeOf(endedMs),
  }
}

export function storageToWire({ figures, swept }: Awaited<ReturnType<Retention['storage']>>) {
  return { ...figures, sweep: swept === undefined ? null : sweepToWire(swept) }
}

export type TrashItemWire = ReturnType<typeof itemToWire>
export type PreviewWire = ReturnType<typeof previewToWire>
export type HoldWire = ReturnType<typeof holdToWire>
export type SweepWire = ReturnType<typeof sweepToWire>
export type StorageWire = ReturnType<typeof storageToWire>

function timeOf(ms: number): string {
  return new Date(Math.min(ms, LAST_MS)).toISOString()
}

/** The last instant that a date can say. */
const LAST_MS = 8.64e15
