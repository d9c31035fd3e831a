import type { Command } from '../command.ts'
import { status } from './status.ts'
import { repro } from './repro.ts'
import { remote } from './remote.ts'
import { push } from './push.ts'
import { pull } from './pull.ts'
import { init } from './init.ts'
import { checkout } from './checkout.ts'
import { add } from './add.ts'
import { audit } from './audit.ts'
import { doctor } from './doctor.ts'
import { environment } from './environment.ts'
import { project } from './project.ts'
import { policies } from './policies.ts'
import { promote } from './promote.ts'
import { trace } from './trace.ts'
import { up } from './up.ts'

export const commands: readonly Command[] = [
  init,
  add,
  status,
  checkout,
  push,
  pull,
  remote,
  repro,
  environment,
  trace,
  promote,
  policies,
  audit,
  up,
  doctor,
  project,
]
