import { Problem } from '#base/problem'
import { verifierKey, verifyLedger, type Verdict } from '#ledger'
import { openLedgerEvidence } from '#stores/sql/ledger-evidence'
import { databaseOf } from '../settings/config.ts'
import { findLedgerKey, keysFolder, signingKey } from './keys.ts'

/**
 * The ledger of a home or of the database that its settings name, whether or not a server runs there, held against
 * itself and a checkpoint from outside.
 */
export async function verifyHome(
  home: string,
  {
    against,
    database = '',
    keys = '',
  }: { against?: string | undefined; database?: string; keys?: string } = {},
): Promise<Verdict & { verifier: string }> {
  const { evidence, close } = await openLedgerEvidence(databaseOf({ home, database }))
  try {
    const privateKey = await findLedgerKey(keysFolder({ home, keys }))
    if (privateKey === undefined)
      throw new Problem(
        'not-found',
        `${keysFolder({ home, keys })} has no key of the ledger; restore ledger.pem`,
      )
    const verifier = verifierKey(signingKey(privateKey))
    const verdict = await verifyLedger(evidence, verifier, against === undefined ? {} : { against })
    return { ...verdict, verifier }
  } finally {
    await close()
  }
}
