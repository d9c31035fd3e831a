import type { ExactJson } from '#base/exact-json'
import { Problem } from '#base/problem'
import type { Feedback } from '#inference'
import { fieldsOf, labelIn, rewardIn, textIn, type Fields } from './fields.ts'

/**
 * Seldon's feedback: `response.meta.puid` names the request, `meta.routing` the arm that answered by the name of
 * its router, which is the endpoint here; truth is a message with one row for each of the request's.
 */
export function seldonFeedbackIn(
  body: ExactJson,
  endpoint: string,
): { puid: string; feedback: Feedback[] } {
  const { request, response, truth, reward } = fieldsOf(body, 'the body')
  const meta = { ...metaOf(request, 'request'), ...metaOf(response, 'response') }
  const puid = meta['puid']
  if (puid === undefined)
    throw new Problem(
      'invalid',
      'the feedback names no prediction; send its answer as response, with meta.puid',
    )
  const value = textIn(puid, 'meta.puid')
  const labels = truth === undefined || truth === null ? [] : rowsIn(fieldsOf(truth, 'truth'))
  // Its clients always send a reward, 0 where nobody gave one.
  const isRewarded =
    reward !== undefined && reward !== null && (reward !== 0 || labels.length === 0)
  const rows = Math.max(labels.length, isRewarded ? 1 : 0)
  if (rows === 0)
    throw new Problem('invalid', 'the feedback has neither a truth nor a reward; send one of them')
  const revision = revisionIn(meta, endpoint)
  return {
    puid: value,
    feedback: Array.from({ length: rows }, (_, row): Feedback => {
      const label = labels[row]
      return {
        ref: { by: 'request', value, row },
        source: 'seldon',
        ...(label === undefined ? {} : { label: labelIn(label, `row ${row}`) }),
        ...(isRewarded && row === 0 ? { reward: rewardIn(reward, 'the feedback') } : {}),
        ...(revision === undefined ? {} : { revision }),
      }
    }),
  }
}

function metaOf(message: ExactJson | undefined, name: string): Fields {
  if (message === undefined || message === null) return {}
  const { meta } = fieldsOf(message, name)
  return meta === undefined || meta === null ? {} : fieldsOf(meta, `${name}.meta`)
}

function revisionIn(meta: Fields, endpoint: string): number | undefined {
  const routing = meta['routing']
  if (routing === undefined || routing === null) return undefined
  const revision = fieldsOf(routing, 'meta.routing')[endpoint]
  return typeof revision === 'number' && Number.isSafeInteger(revision) && revision >= 1
    ? revision
    : undefined
}

/** The value of each row of a message. */
function rowsIn(message: Fields): readonly ExactJson[] {
  const { data, strData, jsonData } = message
  if (strData !== undefined) return [strData]
  if (jsonData !== undefined) return Array.isArray(jsonData) ? jsonData.map(scalarIn) : [jsonData]
  const { ndarray, tensor } = data === undefined ? {} : fieldsOf(data, 'truth.data')
  if (Array.isArray(ndarray)) return ndarray.map(scalarIn)
  if (tensor !== undefined) {
    const { values } = fieldsOf(tensor, 'truth.data.tensor')
    if (Array.isArray(values)) return values as readonly ExactJson[]
  }
  throw new Problem(
    'invalid',
    'truth has no values that are read here; send data.ndarray, data.tensor, strData or jsonData',
  )
}

/** A row of one value is that value. */
function scalarIn(row: ExactJson): ExactJson {
  return Array.isArray(row) && row.length === 1 ? (row[0] as ExactJson) : row
}
