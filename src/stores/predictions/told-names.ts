import { placeOf, rowOfPlace, type Connection } from './database.ts'

/** Finds predictions that other systems made by what those call them. */
export function toldNames(connection: Connection) {
  const placeIn = connection.prepare('select place from told where id = ? and endpoint = ?').pluck()
  const placeAnywhere = connection
    .prepare('select place from told where id = ? order by endpoint limit 1')
    .pluck()
  const endpointNamed = connection.prepare('select id from endpoints where name = ?').pluck()
  const nameAt = connection.prepare('select id from told where place = ?').pluck()
  const batchAt = connection.prepare('select id from batches where seq = ?').pluck()
  const idAt = (place: number | undefined): string | undefined => {
    if (place === undefined) return undefined
    const row = rowOfPlace(place)
    return `${batchAt.get((place - row) / placeOf(1, 0)) as string}-${row}`
  }
  const predictionOf = (endpoint: number, id: string): string | undefined =>
    idAt(placeIn.get(id, endpoint) as number | undefined)

  return {
    /** The log's own id of what an endpoint's system calls so. */
    predictionOf,
    /** The same at whichever endpoint has it; the first that told of it, where several have. */
    anywhere: (id: string): string | undefined => idAt(placeAnywhere.get(id) as number | undefined),
    /** The same at the endpoint of a name. */
    atEndpoint: (endpoint: string, id: string): string | undefined => {
      const number = endpointNamed.get(endpoint) as number | undefined
      return number === undefined ? undefined : predictionOf(number, id)
    },
    /** What its system calls the prediction at a place. */
    nameOf: (place: number): { toldAs?: string } => {
      const toldAs = nameAt.get(place) as string | undefined
      return toldAs === undefined ? {} : { toldAs }
    },
  }
}
