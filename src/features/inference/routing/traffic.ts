/** What an endpoint has answered lately. */
export interface Traffic {
  readonly endpoint: string
  readonly requestsPerSecond: number
  readonly rowsPerSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

const SPAN_MS = 10_000

/** Answers that are remembered for each endpoint; with more in the span, the figures are of the newest. */
const ANSWERS_MAX = 2000

interface Answered {
  readonly atMs: number
  readonly tookMs: number
  readonly rows: number
}

/** Notes answers and tells how much and how fast was answered in the last seconds. */
export function trafficMeter() {
  const answers = new Map<string, Answered[]>()
  return {
    note: (endpoint: string, { atMs, tookMs, rows }: Answered): void => {
      const list = answers.get(endpoint) ?? []
      // Nothing else of an answer, which may hold all that a model said.
      list.push({ atMs, tookMs, rows })
      if (list.length > ANSWERS_MAX) list.splice(0, list.length - ANSWERS_MAX / 2)
      answers.set(endpoint, list)
    },
    traffic: (nowMs: number): Traffic[] =>
      [...answers].map(([endpoint, list]) => {
        const recent = list.filter(({ atMs }) => atMs > nowMs - SPAN_MS)
        const times = recent.map(({ tookMs }) => tookMs).toSorted((one, other) => one - other)
        const rows = recent.reduce((sum, each) => sum + each.rows, 0)
        return {
          endpoint,
          requestsPerSecond: recent.length / (SPAN_MS / 1000),
          rowsPerSecond: rows / (SPAN_MS / 1000),
          p50Ms: times[Math.floor(times.length * 0.5)] ?? null,
          p99Ms: times[Math.floor(times.length * 0.99)] ?? null,
        }
      }),
  }
}
