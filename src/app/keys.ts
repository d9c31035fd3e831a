import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The key that signs the ledger's checkpoints; made at the first start, readable by its owner only. */
export async function ledgerKey(home: string): Promise<KeyObject> {
  const path = join(home, 'keys', 'ledger.pem')
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (kept !== undefined) return createPrivateKey(kept)
  const { privateKey } = generateKeyPairSync('ed25519')
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'wx', 0o600)
  await file.writeFile(privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await file.sync()
  await file.close()
  return privateKey
}
