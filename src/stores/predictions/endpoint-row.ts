import type { Connection } from './database.ts'

export interface EndpointRow {
  readonly id: number
  readonly watermark_ms: number | null
  /** Batches up to here are read from segments. */
  readonly sealed_seq: number
}

export function endpointFinder(connection: Connection): (name: string) => EndpointRow | undefined {
  const find = connection.prepare(
    'select id, watermark_ms, sealed_seq from endpoints where name = ?',
  )
  return (name) => find.get(name) as EndpointRow | undefined
}
