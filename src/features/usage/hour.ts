/** What one revision answered within one UTC hour of the clock, and what that took. */
export interface UsageHour {
  readonly endpoint: string
  readonly startMs: number
  /** 0 for what is known of the endpoint alone: requests that were not answered, by why. */
  readonly revision: number
  /** Empty for revision 0. */
  readonly modelVersion: string
  /** Answered. */
  readonly requests: number
  readonly rows: number
  /** Asked, and not answered; by kind at revision 0, for many of them reach no revision. */
  readonly failed: number
  readonly kinds: Readonly<Record<string, number>>
  /** Of all requests, from the request to its logged answer. */
  readonly answerSeconds: number
  /** Of all calls: how long they waited for their turn, and how long the model ran. */
  readonly queueSeconds: number
  readonly modelSeconds: number
  /** Processor time: that of its model, and its share of what taking requests took. */
  readonly cpuSeconds: number
  /** The most that its process held; one process may hold several models. */
  readonly memoryBytes: number
  /** For how long it was loaded; of several servers, each counts. */
  readonly loadedSeconds: number
  /** While it was loaded: processor time of the machine that was busy, of all that there was. */
  readonly hostBusySeconds: number
  readonly hostSeconds: number
}

export type Spent = Omit<UsageHour, 'startMs'>

export const NOTHING_SPENT: Omit<Spent, 'endpoint' | 'revision' | 'modelVersion'> = {
  requests: 0,
  rows: 0,
  failed: 0,
  kinds: {},
  answerSeconds: 0,
  queueSeconds: 0,
  modelSeconds: 0,
  cpuSeconds: 0,
  memoryBytes: 0,
  loadedSeconds: 0,
  hostBusySeconds: 0,
  hostSeconds: 0,
}

/** Both together: amounts add up, the larger memory stays. */
export function joined<Some extends Spent>(one: Some, other: Spent): Some {
  const kinds = new Map(Object.entries(one.kinds))
  for (const [kind, count] of Object.entries(other.kinds))
    kinds.set(kind, (kinds.get(kind) ?? 0) + count)
  return {
    ...one,
    requests: one.requests + other.requests,
    rows: one.rows + other.rows,
    failed: one.failed + other.failed,
    kinds: Object.fromEntries(kinds),
    answerSeconds: one.answerSeconds + other.answerSeconds,
    queueSeconds: one.queueSeconds + other.queueSeconds,
    modelSeconds: one.modelSeconds + other.modelSeconds,
    cpuSeconds: one.cpuSeconds + other.cpuSeconds,
    memoryBytes: Math.max(one.memoryBytes, other.memoryBytes),
    loadedSeconds: one.loadedSeconds + other.loadedSeconds,
    hostBusySeconds: one.hostBusySeconds + other.hostBusySeconds,
    hostSeconds: one.hostSeconds + other.hostSeconds,
  }
}
