import { createPrivateKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { SigningKey } from '#ledger'
import type { Config } from '../settings/config.ts'

/** The folder of the keys that sign the ledger and seal secrets. */
export function keysFolder({ keys, home }: Pick<Config, 'keys' | 'home'>): string {
  return keys === '' ? join(home, 'keys') : keys
}

/** The key that signs the ledger's checkpoints; made at the first start, readable by its owner only. */
export async function ledgerKey(folder: string): Promise<KeyObject> {
  const kept = await findLedgerKey(folder)
  if (kept !== undefined) return kept
  const { privateKey } = generateKeyPairSync('ed25519')
  const made = await keepNewKey(pathIn(folder), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  return createPrivateKey(made)
}

/** The key of servers that have run, or undefined. Throws a `conflict` problem when the file holds no key. */
export async function findLedgerKey(folder: string): Promise<KeyObject | undefined> {
  const path = pathIn(folder)
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (kept === undefined) return undefined
  try {
    return createPrivateKey(kept)
  } catch (cause) {
    throw new Problem('conflict', `${path} is not a private key; restore it from a backup`, {
      cause: String(cause),
    })
  }
}

/**
 * Keeps a key that was just made and gives it, or the one that another server has kept there meanwhile. The file
 * appears whole: half a key would open nothing and keep the server from ever starting again.
 */
export async function keepNewKey(path: string, text: string | Buffer): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const half = `${path}.${randomUUID()}.half`
  const file = await open(half, 'wx', 0o600)
  await file.writeFile(text)
  await file.sync()
  await file.close()
  try {
    await link(half, path)
    await rm(half)
  } catch (error) {
    // Not every file system knows second names; there the last one wins.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') await rm(half)
    else await rename(half, path)
  }
  return readFile(path, 'utf8')
}

/** The key under the name by which checkpoints are signed. */
export function signingKey(privateKey: KeyObject): SigningKey {
  return { name: 'orrery', privateKey }
}

function pathIn(folder: string): string {
  return join(folder, 'ledger.pem')
}
