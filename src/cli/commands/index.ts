import type { Command } from '../command.ts'
import { doctor } from './doctor.ts'
import { project } from './project.ts'
import { policies } from './policies.ts'
import { promote } from './promote.ts'
import { trace } from './trace.ts'
import { up } from './up.ts'

export const commands: readonly Command[] = [trace, promote, policies, up, doctor, project]
