/** What a reader sees of the runs of pipelines; it lives in the address. */
export interface PipelinesView {
  readonly project?: string | undefined
  readonly state?: string | undefined
  readonly by?: string | undefined
  readonly before?: string | undefined
}

/** What a reader sees of one run. */
export interface PipelineView {
  readonly stage?: string | undefined
}

type Search = Readonly<Record<string, unknown>>

export const STATES = ['queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'] as const
const BY = ['people', 'policies', 'machines']

export function pipelinesViewIn(search: Search): PipelinesView {
  return {
    ...text(search, 'project'),
    ...text(search, 'before'),
    ...among(search, 'state', STATES),
    ...among(search, 'by', BY),
  }
}

export function pipelineViewIn(search: Search): PipelineView {
  return text(search, 'stage')
}

/** The router reads a number where the address has digits. */
function text(search: Search, name: string): Record<string, string> {
  const value = search[name]
  if (typeof value === 'number') return { [name]: String(value) }
  return typeof value === 'string' && value !== '' ? { [name]: value } : {}
}

function among(search: Search, name: string, words: readonly string[]): Record<string, string> {
  const value = search[name]
  return typeof value === 'string' && words.includes(value) ? { [name]: value } : {}
}
