import { copyFiles, linkFiles, moveFiles } from './copying.ts'
import { hashFiles } from './hashing.ts'
import { listFolders } from './looking.ts'
import { placeFiles } from './placing.ts'
import { takeStock } from './stocking.ts'

/** What a thread of the crew can be asked: each works through one order, without waiting for anything else. */
export const TRADES = {
  list: listFolders,
  hash: hashFiles,
  copy: copyFiles,
  link: linkFiles,
  move: moveFiles,
  place: placeFiles,
  stock: takeStock,
} as const

export type Trade = keyof typeof TRADES
export type OrderOf<T extends Trade> = Parameters<(typeof TRADES)[T]>[0]
export type ResultOf<T extends Trade> = ReturnType<(typeof TRADES)[T]>

/** Runs an order of any trade. */
export function perform<T extends Trade>(trade: T, order: OrderOf<T>): ResultOf<T> {
  const work = TRADES[trade] as (order: OrderOf<T>) => ResultOf<T>
  return work(order)
}
