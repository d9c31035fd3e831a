import type { Counted, Look } from './counted.ts'
import { joined, NOTHING_SPENT, type Spent } from './hour.ts'

/** What was answered between two looks and what it took, by endpoint and revision. `before`: undefined at first. */
export function spentBetween(before: Look | undefined, now: Look): Spent[] {
  const isSame = before !== undefined && before.counted.life === now.counted.life
  const known = isSame ? before.counted : NOTHING
  const tookSeconds = before === undefined ? 0 : Math.max(0, (now.atMs - before.atMs) / 1000)
  const found = new Map<string, Spent>()
  const add = (of: Pick<Spent, 'endpoint' | 'revision' | 'modelVersion'>, what: Partial<Spent>) => {
    const key = `${of.endpoint}\n${of.revision}`
    const { endpoint, revision, modelVersion } = of
    const spent = { ...NOTHING_SPENT, ...what, endpoint, revision, modelVersion }
    const kept = found.get(key)
    found.set(key, kept === undefined ? spent : joined(kept, spent))
  }
  addRequests(add, known, now.counted)
  addErrors(add, known, now.counted)
  const cpu = { seconds: growth(known.cpuSeconds, now.counted.cpuSeconds) }
  addTaking(add, [...found.values()], cpu)
  const busySeconds = isSame ? growth(known.host.busySeconds, now.counted.host.busySeconds) : 0
  const host = {
    hostBusySeconds: busySeconds,
    hostSeconds: isSame ? tookSeconds * now.counted.host.processors : 0,
  }
  addModels(add, { known, now: now.counted, spent: [...found.values()] }, { tookSeconds, host })
  return [...found.values()].filter(isSomething)
}

type Add = (of: Pick<Spent, 'endpoint' | 'revision' | 'modelVersion'>, what: Partial<Spent>) => void

const NOTHING: Counted = {
  life: '',
  requests: [],
  runs: [],
  errors: [],
  failed: [],
  loaded: [],
  processes: [],
  cpuSeconds: 0,
  host: { processors: 0, busySeconds: 0 },
}

function addRequests(add: Add, known: Counted, now: Counted): void {
  const requests = new Map(known.requests.map((each) => [keyOf(each, each.protocol), each]))
  for (const each of now.requests) {
    const before = requests.get(keyOf(each, each.protocol))
    add(each, {
      requests: growth(sum(before?.seconds.counts ?? []), sum(each.seconds.counts)),
      rows: growth(before?.rows ?? 0, each.rows),
      answerSeconds: growth(before?.seconds.sum ?? 0, each.seconds.sum),
    })
  }
  const runs = new Map(known.runs.map((each) => [keyOf(each, each.role), each]))
  for (const each of now.runs) {
    const before = runs.get(keyOf(each, each.role))
    add(each, {
      queueSeconds: growth(before?.queueSeconds.sum ?? 0, each.queueSeconds.sum),
      modelSeconds: growth(before?.modelSeconds.sum ?? 0, each.modelSeconds.sum),
    })
  }
}

function addErrors(add: Add, known: Counted, now: Counted): void {
  const failed = new Map(known.failed.map((each) => [keyOf(each, ''), each.count]))
  for (const each of now.failed)
    add(each, { failed: growth(failed.get(keyOf(each, '')) ?? 0, each.count) })
  const errors = new Map(known.errors.map((each) => [errorKey(each), each.count]))
  for (const each of now.errors) {
    const count = growth(errors.get(errorKey(each)) ?? 0, each.count)
    // Names that no endpoint has are nobody's.
    if (count === 0 || each.endpoint === '') continue
    const { endpoint, kind } = each
    add({ endpoint, revision: 0, modelVersion: '' }, { failed: count, kinds: { [kind]: count } })
  }
}

function errorKey({ endpoint, protocol, kind }: Counted['errors'][number]): string {
  return `${endpoint}\n${protocol}\n${kind}`
}

/** What taking requests took is shared by how many rows were answered. */
function addTaking(add: Add, spent: readonly Spent[], { seconds }: { seconds: number }): void {
  const rows = sum(spent.map((each) => each.rows))
  if (rows === 0) return
  for (const each of spent)
    if (each.rows > 0) add(each, { cpuSeconds: (seconds * each.rows) / rows })
}

/** What a process of models took is shared by how long each of them ran in it; evenly where none did. */
function addModels(
  add: Add,
  { known, now, spent }: { known: Counted; now: Counted; spent: readonly Spent[] },
  { tookSeconds, host }: { tookSeconds: number; host: Partial<Spent> },
): void {
  const before = new Map(known.processes.map((each) => [each.pid, each]))
  const ran = new Map(spent.map((each) => [keyOf(each, ''), each.modelSeconds]))
  for (const { pid, cpuSeconds, memoryBytes } of now.processes) {
    const models = now.loaded.filter((each) => each.pid === pid)
    const seconds = growth(before.get(pid)?.cpuSeconds ?? 0, cpuSeconds ?? 0)
    const total = sum(models.map((each) => ran.get(keyOf(each, '')) ?? 0))
    for (const model of models) {
      const part = total > 0 ? (ran.get(keyOf(model, '')) ?? 0) / total : 1 / models.length
      add(model, { cpuSeconds: seconds * part, memoryBytes, loadedSeconds: tookSeconds, ...host })
    }
  }
}

function isSomething(spent: Spent): boolean {
  return spent.requests + spent.failed + spent.cpuSeconds + spent.loadedSeconds > 0
}

/** A counter that fell was begun anew, at 0. */
function growth(before: number, now: number): number {
  return now >= before ? now - before : now
}

function keyOf(of: { endpoint: string; revision: number }, more: string): string {
  return `${of.endpoint}\n${of.revision}\n${more}`
}

function sum(values: readonly number[]): number {
  return values.reduce((all, each) => all + each, 0)
}
