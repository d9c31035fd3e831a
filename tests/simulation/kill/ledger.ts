import { sure, type Client } from './client.ts'

interface Entry {
  readonly position: number
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Facts that can be true of one thing only once, and what names the thing. */
const ONCE: Readonly<Record<string, readonly string[]>> = {
  'run-started': ['run'],
  'run-ended': ['run'],
  'model-version-registered': ['model', 'version'],
  'pipeline-run-started': ['pipelineRun'],
  'pipeline-run-finished': ['pipelineRun'],
  'window-evaluated': ['endpoint', 'start', 'state', 'predictions', 'labels'],
  'prediction-segment-sealed': ['digest'],
  'policy-fired': ['policyRun'],
  'policy-run-finished': ['policyRun'],
  'promotion-requested': ['promotion'],
  'promotion-accepted': ['promotion'],
  'promotion-refused': ['promotion'],
  'revision-created': ['endpoint', 'revision'],
  'stage-run-started': ['pipelineRun', 'stage'],
  'stage-run-finished': ['pipelineRun', 'stage'],
}

/** Reads the ledger onward at each call and gives facts that were written twice or out of place. */
export function ledgerReader(): {
  read(client: Client): Promise<string[]>
  count(type: string): number
  entries(): number
} {
  const seen = new Set<string>()
  const counts = new Map<string, number>()
  let last = -1
  return {
    read: async (client) => {
      const text = sure(await client.bytes(`/api/v1/ledger/export?after=${last}`)).toString()
      const entries = text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Entry)
      return entries.flatMap((entry) => {
        const wrong = entry.position === last + 1 ? [] : [`the ledger skips entry ${last + 1}`]
        last = entry.position
        counts.set(entry.type, (counts.get(entry.type) ?? 0) + 1)
        const names = ONCE[entry.type]
        if (names === undefined) return wrong
        const key = JSON.stringify([entry.type, ...names.map((name) => entry.data[name])])
        if (seen.has(key)) wrong.push(`the ledger tells ${key} twice`)
        seen.add(key)
        return wrong
      })
    },
    count: (type) => counts.get(type) ?? 0,
    entries: () => last + 1,
  }
}
