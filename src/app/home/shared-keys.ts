import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import { Problem } from '#base/problem'
import { verifierKey } from '#ledger'
import type { SqlStore } from '#stores/sql/index'
import type { Seal } from '#webhooks'
import type { Config } from '../settings/config.ts'
import { findLedgerKey, keysFolder, ledgerKey, signingKey } from './keys.ts'
import { openSeal, sealFingerprint } from './seal.ts'

/**
 * The keys of this server; on a database that several share, those that all of them have. Throws a `conflict` problem
 * when they are others: two keys would part the ledger, and what one has sealed the other could not open.
 */
export async function openKeys(
  store: SqlStore,
  config: Config,
): Promise<{ ledger: KeyObject; seal: Seal }> {
  const folder = resolve(keysFolder(config))
  if (store.isShared) await refuseNewKeys(store, folder)
  const keys = { ledger: await ledgerKey(folder), seal: await openSeal(folder) }
  if (!store.isShared) return keys
  const mine = {
    ledger: verifierKey(signingKey(keys.ledger)),
    secrets: (await sealFingerprint(folder)) ?? '',
  }
  const pinned = await store.transact(async ({ replicas }) => ({
    ledger: await replicas.pinKey('ledger', mine.ledger),
    secrets: await replicas.pinKey('secrets', mine.secrets),
  }))
  if (pinned.ledger !== mine.ledger) throw others(folder, 'ledger.pem')
  if (pinned.secrets !== mine.secrets) throw others(folder, 'secrets.key')
  return keys
}

/** A key that is made where others work already is of no use, and would only be in the way. */
async function refuseNewKeys({ read }: SqlStore, folder: string): Promise<void> {
  const pinned = await read.replicas.pinnedKeys()
  const isSigned = (await read.ledger.newestCheckpoint()) !== undefined
  if ((isSigned || pinned.has('ledger')) && (await findLedgerKey(folder)) === undefined)
    throw others(folder, 'ledger.pem')
  if (pinned.has('secrets') && (await sealFingerprint(folder)) === undefined)
    throw others(folder, 'secrets.key')
}

function others(folder: string, file: string): Problem {
  return new Problem(
    'conflict',
    `${folder} has not the ${file} that belongs to this database; copy ledger.pem and secrets.key there from the folder keys of a server that uses it, or let --keys (ORRERY_KEYS) name one folder for all of them`,
  )
}
