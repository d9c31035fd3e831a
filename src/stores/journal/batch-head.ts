import type { NewBatch } from '#inference'
import type { Reader } from './bytes.ts'
import { NULL } from './marks.ts'
import type { NameReaders } from './matrix.ts'

/** What a record of a batch by rows says before its rows; its mark has been read. */
export function batchHeadIn(from: Reader, columnsOf: NameReaders['columnsOf']) {
  return {
    id: from.text(),
    endpoint: from.text(),
    digest: optionalTextIn(from),
    atMs: from.double(),
    latencyMs: from.double(),
    columns: columnsOf(from.bytes()) as readonly string[],
    ...formIn(from),
  }
}

function formIn(from: Reader): Pick<NewBatch, 'form'> {
  const form = optionalTextIn(from) as NonNullable<NewBatch['form']> | null
  return form === null ? {} : { form }
}

export function optionalTextIn(from: Reader): string | null {
  return from.byte() === NULL ? null : from.text()
}
