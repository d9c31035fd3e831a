import { statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { sha256 } from '#base/digest'
import { Problem } from '#base/problem'
import type { Found, FoundFile, LoggedColumn, Table, TableFile, TableLogs } from '#tables'
import {
  checkReadable,
  columnsOf,
  deletedRows,
  keyOf,
  placeOf,
  snapshotOf,
  vectorIn,
  type AddedFile,
  type LogFiles,
  type Snapshot,
} from '#protocols/delta/index'

const LOG = '_delta_log/'

/** Tables that keep a log of their versions: those of Delta Lake. */
export const tableLogs: TableLogs = {
  table: async (name, found, which) => {
    const log = deltaLogOf(found)
    if (log === undefined) return undefined
    const snapshot = await snapshotOf(name, log, which)
    checkReadable(name, snapshot)
    return tableFrom(`${name} version ${snapshot.version}`, found, snapshot)
  },
}

/** The log among the files of a folder; undefined where there is none. */
export function deltaLogOf(found: Found): LogFiles | undefined {
  const files = new Map(
    found.files
      .filter((file) => file.name.startsWith(LOG))
      .map((file) => [file.name.slice(LOG.length), file]),
  )
  if (files.size === 0) return undefined
  return {
    list: async () =>
      [...files].map(([name, { path, sizeBytes }]) => ({
        name,
        sizeBytes,
        modifiedMs: statSync(path).mtimeMs,
      })),
    read: async (name) => {
      const file = files.get(name)
      if (file === undefined) throw new Problem('not-found', `_delta_log/${name} is missing`)
      return readFile(file.path)
    },
  }
}

async function tableFrom(name: string, found: Found, snapshot: Snapshot): Promise<Table> {
  const columns = columnsOf(name, snapshot)
  const here = new Map(found.files.map((file) => [file.name, file]))
  const partitions = snapshot.metadata.partitionColumns.map((column) =>
    partitionColumn(name, columns, column),
  )
  const files: TableFile[] = []
  for (const added of snapshot.files) files.push(await fileFrom(name, { added, here, partitions }))
  return {
    name,
    format: 'parquet',
    packing: 'none',
    files,
    partitions: partitions.map((column) => ({ name: column.name, type: column.type })),
    columns,
    digest: digestOf(snapshot),
    version: snapshot.version,
    sizeBytes: snapshot.files.reduce((sum, file) => sum + file.size, 0),
  }
}

function partitionColumn(
  name: string,
  columns: readonly LoggedColumn[],
  wanted: string,
): LoggedColumn {
  const column = columns.find((each) => each.name === wanted)
  if (column === undefined)
    throw new Problem('invalid', `${name} is partitioned by ${wanted}, which is no column of it`)
  return column
}

async function fileFrom(
  name: string,
  at: {
    added: AddedFile
    here: ReadonlyMap<string, FoundFile>
    partitions: readonly LoggedColumn[]
  },
): Promise<TableFile> {
  const { added, here, partitions } = at
  const file = fileIn(name, here, pathOf(name, added.path))
  return {
    path: file.path,
    name: file.name,
    // The log has an empty text for a missing value too.
    values: partitions.map(
      ({ name: column, physical }) => added.partitionValues[physical ?? column] || null,
    ),
    deletedRows: await deletedFrom(name, added, here),
  }
}

async function deletedFrom(
  name: string,
  { deletionVector }: AddedFile,
  here: ReadonlyMap<string, FoundFile>,
): Promise<Uint32Array | undefined> {
  if (deletionVector === undefined) return undefined
  const place = placeOf(deletionVector)
  if (place.kind === 'inline') return deletedRows(place.bytes, deletionVector.cardinality)
  const path = place.kind === 'file' ? place.path : pathOf(name, place.address)
  const bytes = await readFile(fileIn(name, here, path).path)
  return deletedRows(
    vectorIn(bytes, { offset: place.offset, name: path }),
    deletionVector.cardinality,
  )
}

/** Paths of a log are addresses; the names of folders on the disk may hold escapes of their own. */
function pathOf(name: string, address: string): string {
  if (/^[a-z][a-z0-9+.-]*:/i.test(address) || address.startsWith('/'))
    throw new Problem(
      'unsupported',
      `${name} holds ${address}, which lies outside of the table, as in a shallow clone; orrery reads tables that hold their own files`,
    )
  try {
    return decodeURIComponent(address)
  } catch {
    return address
  }
}

/** Only what lies in the table's folder is ever read, whatever its log says. */
function fileIn(name: string, here: ReadonlyMap<string, FoundFile>, path: string): FoundFile {
  const file = here.get(path)
  if (file === undefined)
    throw new Problem(
      'not-found',
      `${name} needs its file ${path}, which is gone: a VACUUM took it, or it was not copied with the table; bring that file back, or take a newer version`,
    )
  return file
}

/** Equal for equal rows, whichever version they are of. */
function digestOf({ metadata, files }: Snapshot): string {
  const lines = files
    .map((file) => `${keyOf(file.path, file.deletionVector)} ${file.size}`)
    .toSorted()
  return sha256(['delta', metadata.id, metadata.schemaString, ...lines].join('\n'))
}
