import { parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { messageOf, Problem } from '#base/problem'

const COLUMNS = ['add', 'protocol', 'metaData', 'sidecar']

/** The rows of a checkpoint's Parquet file: one action each. */
export async function checkpointRows(name: string, bytes: Uint8Array): Promise<unknown[]> {
  const { buffer, byteOffset, byteLength } = bytes
  try {
    const { parquetMetadataAsync, parquetSchema } = await import('hyparquet')
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
    const metadata = await parquetMetadataAsync(file)
    const own = new Set(parquetSchema(metadata).children.map((child) => child.element.name))
    return await parquetReadObjects({
      file,
      metadata,
      compressors,
      columns: COLUMNS.filter((column) => own.has(column)),
    })
  } catch (error) {
    throw new Problem('invalid', `_delta_log/${name} cannot be read: ${messageOf(error)}`)
  }
}
