export { shellWord } from '../../domain/shell_word.ts';
