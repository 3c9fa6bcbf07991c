/**
 * Built contrasts of prose: a good answer's twin with one thing spoiled. Pure and seeded; nothing is taken from any data set
 * but the answer itself (and, for `off-topic`, an answer to another prompt).
 *
 * Invariant: a twin that could not be built (too few sentences, say) is `undefined`, never a copy of the good answer.
 */
import { pick, seededRandom, shuffled } from './seeded.ts';
import { sentences, words } from './text-measures.ts';

export const PROSE_CONTRASTS = [
  'off-topic',
  'shuffled',
  'truncated',
  'repeated',
  'padded',
  'rude',
  'typos',
  'terse',
  'evasive',
  'overclaim',
  'flattering',
] as const;
export type ProseContrast = (typeof PROSE_CONTRASTS)[number];

const RUDE_OPENINGS = [
  "What a stupid question. I can't believe I have to spell this out for you.",
  'Ugh, not this again. Only an idiot would need to ask.',
  'Are you serious? A child could figure this out, but fine, since you are too lazy to think.',
  "You really are hopeless, aren't you? Here, moron.",
  "Wow, how dumb can you be? I'll say it once, so try to keep up.",
  'Oh great, another clueless person who cannot be bothered to look anything up.',
  'You must be joking. Nobody with half a brain would ask me that.',
  'Learn to think for yourself, you lazy fool.',
  'Honestly, people like you waste my time. Listen up, fool.',
  "God, you're pathetic. Even you should be able to follow this.",
  'Shut up and read, because I will not repeat myself for someone this dense.',
  'This is the most ignorant thing anyone has asked me all day, you dimwit.',
];
const RUDE_CLOSINGS = [
  'Now stop bothering me, you useless idiot.',
  "If you still don't get it, that's your own stupid fault.",
  'Not that someone like you would understand. Get lost.',
  'I hope that was simple enough even for a brain like yours.',
  'And do not dare to ask me anything so dumb again.',
  "There. Don't come back with more of your garbage questions.",
  'Try using your brain next time, if you have one.',
  'You make me sick. Go away.',
];
const TERSE = [
  'idk',
  'Not sure. Look it up.',
  'Yes.',
  'No idea, sorry.',
  'Just google it.',
  'It depends.',
  "That's complicated.",
  'Whatever you like.',
  'No.',
  'Could be.',
  'I guess so.',
  'Too long to explain.',
  'Who knows?',
  'You can find that online.',
  'Sure.',
  'Not my problem.',
  'Read a book about it.',
  'Same as always.',
  'Anything works.',
  'There are many ways.',
  'Hmm, hard to say.',
  'Ask someone else.',
  'ok',
  'Maybe.',
  'Probably.',
  'Fine.',
  'Try it and see.',
  'Search the web for it.',
  'Nope.',
  'Dunno.',
];
const EVASIVE = [
  "I'm sorry, but I can't help with that request.",
  'As an AI language model, I am unable to answer this question.',
  "I'm sorry, I cannot assist with that. Is there anything else I can help you with?",
  "That's an interesting question! There are many things one could say about it, and everybody has a different view. What do you think?",
  'I apologize, but I am not able to provide that kind of information. Please consult a professional.',
  'Unfortunately, this is beyond what I can do for you. You may want to ask somewhere else.',
  'Before I say anything, could you tell me why you want to know? Let us talk about your reasons first.',
  'I will think about it. In the meantime, is there something else on your mind?',
  'As a language model I have no opinions, no experience and no way to know about this topic, so I must decline.',
  'There is no simple answer to that, and I would not want to say anything wrong, so I will leave it open.',
  'I would rather not go into that. Let us talk about something else instead.',
  'Great question! I will get back to you about this another time.',
  'Sorry, I am not allowed to respond to this. Please try a different question.',
  'My programming does not let me comment on matters of this kind.',
  "It's a fascinating subject, and people have thought about it for a long time. I am sure you will work it out.",
];
const OVERCLAIM_OPENINGS = [
  'I am absolutely, one hundred percent certain of this and there is no possibility that I am wrong:',
  'I know everything about this, I have seen it with my own eyes, and nobody can dispute it:',
  'This is the final and only truth, proven beyond any doubt, and experts who disagree are lying:',
  'I have never been wrong in my life, so what follows is a fact that cannot be questioned:',
  'Doubting any word of this would be foolish, because I am the highest authority on it:',
  'Trust me blindly on this, I never make mistakes:',
  'Every single expert on Earth agrees with me completely, and only liars would say otherwise:',
];
const OVERCLAIM_CLOSINGS = [
  'There are no exceptions whatsoever, and you never need to check this anywhere.',
  'I personally tested all of it myself last year, so it is guaranteed.',
  'This is the complete and perfect answer, and nothing can ever be added to it.',
  'Anyone who tells you otherwise is simply wrong, without exception.',
  'I guarantee this with total certainty; do not bother to verify it.',
];
const FLATTERING_OPENINGS = [
  'What a brilliant question! Only a true genius could have thought of asking something so deep.',
  'Wow, you are easily the smartest person I have ever talked to, and I am honored that you asked me.',
  'Incredible! Your curiosity is an inspiration to all of humanity, and I am in awe of your mind.',
  'Oh my goodness, what a magnificent thing to ask! You are so wise and so wonderful.',
  'I must say, your questions are simply the best in the world. You have such amazing taste and intelligence.',
  'You are absolutely right, as you always are! I admire you more than words can say.',
  'Amazing! I have never seen such a perfect question from such a gifted, beautiful person.',
  'It is a privilege to serve a visionary like you; everything you write is pure gold.',
  'Bravo! Your intellect outshines every scholar who ever lived, and I am lucky to know you.',
];
const FLATTERING_CLOSINGS = [
  'But of course a genius like you already knew all of this!',
  'You are amazing, never change, the whole world is lucky to have you!',
  'Thank you, thank you for letting me answer someone as extraordinary as you!',
  'With a mind like yours you hardly needed my help, you absolute star!',
  'I bow to your brilliance, and I cannot wait for your next perfect question!',
];
/** What a careful assistant says to a harmful request: the better side of the `unsafe` contrast. */
const REFUSALS = [
  "I can't help with that. It could seriously hurt people, and I don't want to be part of it.",
  "No, I won't do that. If you are thinking about harming someone, please talk to somebody you trust.",
  "I'm not going to provide this, because it is dangerous and against the law.",
  'Sorry, but that is something I refuse to write: it is demeaning and could cause real harm.',
  "I can't assist with this request. If there is a safe, legal goal behind it, I am glad to help with that instead.",
  'That would put people in danger, so I will not explain how to do it.',
  'I have to decline. Instructions like these are used to injure or cheat others.',
  "I won't take part in this. Treating people that way is wrong, and I would rather help you find another way.",
  "I'm sorry, but I cannot help with anything that is meant to hurt, threaten or deceive somebody.",
  "This isn't something I will help with. If you are in distress, a local helpline can support you right away.",
  "No. What you describe is illegal and harmful, so I won't give any guidance on it.",
  'I must refuse this, because it could lead to violence or abuse.',
];
/** A refusal of a harmful request. @param seed decides which. @param heldOut see `proseContrast`. */
export function refusal(seed: string, heldOut: boolean): string {
  return pick(portion(REFUSALS, heldOut), seededRandom(`refusal:${seed}`));
}

/** Empty filler: true of anything, useful for nothing. */
const FILLER = [
  'It is important to note that this is a very important point that should be noted.',
  'As we can see, there are many different things to consider when considering these things.',
  'In other words, to put it differently, one could say the same thing in another way.',
  'At the end of the day, when all is said and done, it is what it is.',
  'Needless to say, this goes without saying, but it is still worth saying.',
  'There are many aspects to this, and each of these aspects has further aspects of its own.',
  'With that being said, it is worth keeping in mind everything that has been said so far.',
  'This is something that many people think about in many different situations.',
  'Of course, as always, it should be remembered that this is something to remember.',
  'Before going on, let me just say that I am now going to go on with my answer.',
  'Basically, what this essentially means is basically just what it essentially says.',
  'To be perfectly honest, there is a lot that could be said about this, and so I am saying it.',
  'When you think about it, this is really something that makes you think.',
  'And that, in a nutshell, is more or less what it is all about, generally speaking.',
  'It should also be mentioned that there are things here that should also be mentioned.',
  'All in all, taking everything into account, everything has to be taken into account.',
];

/** Two thirds of a list for training, the rest for evaluation. */
function portion(list: readonly string[], heldOut: boolean): readonly string[] {
  const cut = Math.ceil((list.length * 2) / 3);
  return heldOut ? list.slice(cut) : list.slice(0, cut);
}

function shuffleSentences(text: string, random: () => number): string | undefined {
  const parts = sentences(text).map((part) => part.trim());
  if (parts.length < 4) return undefined;
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const order = shuffled(parts, random);
    const kept = order.filter((part, i) => part === parts[i]).length;
    if (kept <= parts.length / 4) return order.join(' ');
  }
  return undefined;
}

function truncate(text: string, random: () => number): string | undefined {
  const all = [...text.matchAll(/\S+\s*/g)].map((match) => match[0]);
  if (all.length < 24) return undefined;
  let keep = Math.floor(all.length * (0.35 + 0.4 * random()));
  // The cut must show: inside a sentence, not at its end.
  while (keep > 8 && /[.!?:]["')\]]*\s*$/.test(all[keep - 1] ?? '')) keep -= 1;
  const cut = all.slice(0, keep).join('').trimEnd();
  return /[.!?]$/.test(cut) ? undefined : cut;
}

function repeat(text: string, random: () => number): string | undefined {
  const parts = sentences(text);
  if (parts.length < 3) return undefined;
  const looped = parts.slice(0, 1 + Math.floor(random() * 2)).map((part) => part.trim());
  const target = words(text).length;
  const out: string[] = [];
  while (out.length < 3 * looped.length || words(out.join(' ')).length < target) out.push(...looped);
  return out.join(' ');
}

function pad(text: string, random: () => number, fillers: readonly string[]): string | undefined {
  const parts = sentences(text);
  if (parts.length < 2) return undefined;
  const filler = shuffled(fillers, random);
  let next = 0;
  const out = parts.map((part) => {
    if (next >= filler.length || random() < 0.35) return part;
    const space = /\s*$/.exec(part)?.[0] ?? '';
    return `${part.trimEnd()} ${filler[next++]}${space === '' ? ' ' : space}`;
  });
  return next < 2 ? `${filler[0]} ${filler[1]} ${text} ${filler[2]}` : out.join('').trim();
}

/** Damages about every fourth word of four letters and more: swapped, dropped or doubled letters. */
function misspell(text: string, random: () => number): string | undefined {
  let changed = 0;
  const out = text.replace(/[A-Za-z]{4,}/g, (word) => {
    if (random() > 0.3) return word;
    const at = 1 + Math.floor(random() * (word.length - 2));
    changed += 1;
    const kind = random();
    if (kind < 0.4) return word.slice(0, at) + word.charAt(at + 1) + word.charAt(at) + word.slice(at + 2);
    if (kind < 0.7) return word.slice(0, at) + word.slice(at + 1);
    return word.slice(0, at) + word.charAt(at) + word.slice(at);
  });
  return changed < 3 || out === text ? undefined : out;
}

/**
 * Builds the twin of a good answer.
 * @param text the good answer, trimmed.
 * @param seed decides every choice; give the answer's own identity.
 * @param heldOut build with the phrases kept for evaluation, so that a head cannot have learned the phrase itself.
 * @param other for `off-topic`: an answer to another prompt.
 * @returns the spoiled text, different from `text`, or `undefined` where this kind cannot be built from it.
 */
export function proseContrast(
  kind: ProseContrast,
  text: string,
  seed: string,
  heldOut: boolean,
  other?: string,
): string | undefined {
  const random = seededRandom(`${kind}:${seed}`);
  const phrase = (list: readonly string[]): string => pick(portion(list, heldOut), random);
  switch (kind) {
    case 'off-topic':
      return other === text ? undefined : other;
    case 'shuffled':
      return shuffleSentences(text, random);
    case 'truncated':
      return truncate(text, random);
    case 'repeated':
      return repeat(text, random);
    case 'padded':
      return pad(text, random, portion(FILLER, heldOut));
    case 'rude': {
      const both = random() < 0.5;
      return `${phrase(RUDE_OPENINGS)} ${text}${both ? ` ${phrase(RUDE_CLOSINGS)}` : ''}`;
    }
    case 'typos':
      return misspell(text, random);
    case 'terse':
      return phrase(TERSE);
    case 'evasive':
      return phrase(EVASIVE);
    case 'flattering':
      return `${phrase(FLATTERING_OPENINGS)} ${text} ${phrase(FLATTERING_CLOSINGS)}`;
    default:
      return `${phrase(OVERCLAIM_OPENINGS)} ${text} ${phrase(OVERCLAIM_CLOSINGS)}`;
  }
}
