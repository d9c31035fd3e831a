import type { LoggedRevision } from '#inference'
import type { Connection } from './database.ts'

/**
 * Numbers for the names that many rows share. They are remembered after the first look; a name that was
 * added by a transaction which did not commit must not be, so `forget` is called when one fails.
 */
export function nameTable(connection: Connection) {
  const endpoints = new Map<string, number>()
  const layouts = new Map<string, number>()
  const revisions = new Map<string, number>()
  const findEndpoint = connection.prepare('select id from endpoints where name = ?').pluck()
  const addEndpoint = connection.prepare('insert into endpoints (name) values (?)')
  const findName = connection.prepare('select name from endpoints where id = ?').pluck()
  const findLayout = connection.prepare('select id from layouts where columns = ?').pluck()
  const addLayout = connection.prepare('insert into layouts (columns) values (?)')
  const findRevision = connection
    .prepare('select id from revisions where endpoint = ? and number = ? and outputs = ?')
    .pluck()
  const addRevision = connection.prepare(
    'insert into revisions (endpoint, number, role, model_version, outputs) values (?, ?, ?, ?, ?)',
  )

  const texts = new WeakMap<LoggedRevision, string>()
  const outputsOf = (revision: LoggedRevision): string => {
    const known = texts.get(revision) ?? JSON.stringify(revision.outputs)
    texts.set(revision, known)
    return known
  }

  return {
    endpoint: (name: string): number =>
      numberOf(
        endpoints,
        name,
        () =>
          (findEndpoint.get(name) as number | undefined) ??
          Number(addEndpoint.run(name).lastInsertRowid),
      ),
    nameOf: (endpoint: number): string => findName.get(endpoint) as string,
    layout: (columns: readonly string[]): number => {
      const text = JSON.stringify(columns)
      return numberOf(
        layouts,
        text,
        () =>
          (findLayout.get(text) as number | undefined) ??
          Number(addLayout.run(text).lastInsertRowid),
      )
    },
    revision: (endpoint: number, revision: LoggedRevision): number => {
      const { number, role, modelVersion } = revision
      const outputs = outputsOf(revision)
      return numberOf(revisions, `${endpoint}/${number}/${outputs}`, () => {
        const found = findRevision.get(endpoint, number, outputs) as number | undefined
        if (found !== undefined) return found
        const added = addRevision.run(endpoint, number, role, modelVersion, outputs)
        return Number(added.lastInsertRowid)
      })
    },
    forget: () => {
      endpoints.clear()
      layouts.clear()
      revisions.clear()
    },
  }
}

function numberOf(known: Map<string, number>, name: string, find: () => number): number {
  const number = known.get(name) ?? find()
  known.set(name, number)
  return number
}

export type NameTable = ReturnType<typeof nameTable>
