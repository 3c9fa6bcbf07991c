/** The doctor on template and tokenizer: one BOS, the right end, no header after it, the gate before the response (armorm.md I3, I7, I8). */
import { type DoctorFacts, type DoctorFinding } from './doctor-findings.ts';

export function sequenceFindings(facts: DoctorFacts): DoctorFinding[] {
  if (facts.texts.length === 0) return [];
  return [bos(facts), endOfTurn(facts), generationPrompt(facts), gatePosition(facts)];
}

function bos({ bosId, texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'bos', subject: 'BOS token' } as const;
  if (bosId === undefined) {
    if (texts.some(({ startsWithNamedBos }) => startsWithNamedBos === false))
      return {
        ...about,
        severity: 'warning',
        found: 'The tokenizer names a BOS token, but the template does not write it.',
        meaning: 'A model that was trained with one reads every text as something else, and all scores shift.',
      };
    return {
      ...about,
      severity: 'fine',
      found: 'None of its own: the template opens every turn with the same token.',
      meaning: 'Texts are read as in training.',
    };
  }
  const wrong = texts.find(({ bosCount, startsWithBos }) => bosCount !== 1 || !startsWithBos);
  if (wrong !== undefined)
    return {
      ...about,
      severity: 'error',
      found: `${wrong.bosCount} of id ${bosId} in a text of ${wrong.tokens} tokens, ${wrong.startsWithBos ? 'the first at its start' : 'none at its start'}.`,
      meaning: 'The model was trained with exactly one, at the start; every score here is off.',
    };
  return {
    ...about,
    severity: 'fine',
    found: `Exactly one, id ${bosId}, at the start of all ${texts.length} texts.`,
    meaning: 'Texts are read as in training.',
  };
}

function endOfTurn({ endOfTurnId, texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'end-of-turn', subject: 'Scored token' } as const;
  return texts.every(({ lastIsEndOfTurn }) => lastIsEndOfTurn)
    ? {
        ...about,
        severity: 'fine',
        found: `The last one, always the end of the response’s turn (id ${endOfTurnId}).`,
        meaning: 'Rewards are read where they were trained.',
      }
    : {
        ...about,
        severity: 'error',
        found: `The last token is not the end of the turn (id ${endOfTurnId}).`,
        meaning: 'Rewards are read at a token they were not trained on, so they mean nothing.',
      };
}

function generationPrompt({ texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'generation-prompt', subject: 'After the response' } as const;
  const cut = texts.find(({ cutText }) => cutText.trim() !== '');
  return cut === undefined
    ? { ...about, severity: 'fine', found: 'The template writes nothing.', meaning: 'The response is what is scored.' }
    : {
        ...about,
        severity: 'warning',
        found: `The template writes ${JSON.stringify(cut.cutText.slice(0, 120))}, although no answer is asked for.`,
        meaning:
          'It is cut here, so these scores are right. Code that takes the template as it is scores the header instead, and its ' +
          'gate reads the response: its scores will differ from these.',
      };
}

function gatePosition({ gateRule, texts }: DoctorFacts): DoctorFinding {
  const about = { code: 'gate-position', subject: 'Gate position' } as const;
  const late = texts.find(({ gateReadsOwnSequence, gateIndex, responseStart }) =>
    gateReadsOwnSequence ? false : gateIndex >= responseStart,
  );
  if (late !== undefined)
    return {
      ...about,
      severity: 'error',
      found: `The gate reads token ${late.gateIndex}, but the response begins at token ${late.responseStart}.`,
      meaning: 'The gate sees the response it is to judge, so two answers to one prompt are weighed differently.',
    };
  const unlike = texts.find(
    ({ searchedGateIndex, gateIndex }) => searchedGateIndex !== undefined && searchedGateIndex !== gateIndex,
  );
  if (unlike !== undefined)
    return {
      ...about,
      severity: 'warning',
      found:
        `The conversation’s structure puts it at token ${unlike.gateIndex}, a search for the last marker finds ` +
        `${(unlike.searchedGateIndex ?? -1) < 0 ? 'none' : `token ${unlike.searchedGateIndex}`}.`,
      meaning: 'The structure rules here. Code that searches reads another token, and its scores differ from these.',
    };
  const own = texts.filter(({ gateReadsOwnSequence }) => gateReadsOwnSequence).length;
  return {
    ...about,
    severity: 'fine',
    found:
      gateRule === 'last-pattern'
        ? `The marker was found in all ${texts.length} texts, before the response, where the conversation’s structure puts it.`
        : `The last token of the prompt with the answer’s header, before the response in all ${texts.length} texts` +
          (own === 0 ? '.' : `; ${own} need a run of the prompt alone.`),
    meaning: 'All answers to one prompt are weighed alike.',
  };
}
