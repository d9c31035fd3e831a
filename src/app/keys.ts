import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Problem } from '#base/problem'
import type { SigningKey } from '#ledger'

/** The key that signs the ledger's checkpoints; made at the first start, readable by its owner only. */
export async function ledgerKey(home: string): Promise<KeyObject> {
  const kept = await findLedgerKey(home)
  if (kept !== undefined) return kept
  const { privateKey } = generateKeyPairSync('ed25519')
  const path = pathIn(home)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  // The file appears whole: half a key would keep the server from ever starting again.
  const file = await open(`${path}.half`, 'w', 0o600)
  await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await file.sync()
  await file.close()
  await rename(`${path}.half`, path)
  return privateKey
}

/** The key of a home where a server has run, or undefined. Throws a `conflict` problem when the file holds no key. */
export async function findLedgerKey(home: string): Promise<KeyObject | undefined> {
  const path = pathIn(home)
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

/** The key under the name by which checkpoints are signed. */
export function signingKey(privateKey: KeyObject): SigningKey {
  return { name: 'orrery', privateKey }
}

function pathIn(home: string): string {
  return join(home, 'keys', 'ledger.pem')
}
