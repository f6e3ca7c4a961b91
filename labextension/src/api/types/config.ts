// Generated from schemas/config.schema.json by `npm run types`. Do not edit.

/**
 * Everything that a fine-tuning notebook is made from. Annotations: x-step (wizard step), x-unit, x-advanced (folded by default), x-aliases (names that users know from elsewhere, for hints only), x-default-when (a default that depends on another field), x-rule and x-where (the finding that a cross-field rule gives, and its place).
 */
export interface PartialConfig {
  /**
   * The version of this schema that the config was written for.
   */
  schema_version?: number;
  /**
   * Where the base model comes from: the Hugging Face hub, or a folder on this machine.
   */
  provider?: 'hf_hub' | 'hf_local';
  /**
   * A hub id such as HuggingFaceTB/SmolLM2-360M-Instruct, or the path of a local model folder.
   */
  model_id?: string;
  /**
   * Branch, tag or commit of the hub model; empty for the default branch. The commit that was used is recorded.
   */
  revision?: string | null;
  /**
   * Run Python code that the model's repository brings. Only for repositories that you have read.
   */
  trust_remote_code?: boolean;
  /**
   * full: every weight; lora: small adapter matrices; qlora: an adapter on a quantised base, for the least memory.
   */
  tune_type?: 'full' | 'lora' | 'qlora';
  /**
   * The adapter. Only with tune_type lora or qlora.
   */
  lora?: {
    /**
     * Rank of the adapter matrices: more learns more and weighs more.
     */
    r?: number;
    /**
     * Scale of the adapter: its output is multiplied by alpha / r.
     */
    alpha?: number;
    /**
     * Share of the adapter's inputs dropped in training.
     */
    dropout?: number;
    /**
     * all-linear (every linear layer but the output head), or the names of the layers to adapt.
     */
    target_modules?: 'all-linear' | [string, ...string[]];
    /**
     * Which bias terms are trained.
     */
    bias?: 'none' | 'all' | 'lora_only';
    /**
     * Scale by alpha / sqrt(r): steadier at high ranks.
     */
    use_rslora?: boolean;
    /**
     * Train magnitude and direction apart: often better at low ranks, slower.
     */
    use_dora?: boolean;
    /**
     * true: B is zero, so that training starts from the base model; gaussian, pissa, olora and orthogonal are PEFT's other ways.
     */
    init_lora_weights?: true | 'gaussian' | 'pissa' | 'olora' | 'orthogonal';
  };
  /**
   * Quantisation of the base. Only with tune_type qlora.
   */
  qlora?: {
    /**
     * Bits per weight of the quantised base.
     */
    bits?: 4 | 8;
    /**
     * nf4 suits normally distributed weights.
     */
    bnb_4bit_quant_type?: 'nf4' | 'fp4';
    /**
     * Quantise the quantisation constants too: saves about 0.4 bits a weight.
     */
    bnb_4bit_use_double_quant?: boolean;
    /**
     * Number type of the matrix products; auto follows the hardware.
     */
    bnb_4bit_compute_dtype?: 'auto' | 'bfloat16' | 'float16' | 'float32';
  };
  /**
   * How the model is trained.
   */
  hyperparams?: {
    /**
     * Peak step size of the optimizer.
     */
    learning_rate?: number;
    /**
     * Passes over the training rows.
     */
    num_epochs?: number;
    /**
     * Stop after this many optimizer steps, whatever num_epochs says.
     */
    max_steps?: number | null;
    /**
     * Rows in one forward pass on one device, or auto.
     */
    batch_size_train?: 'auto' | number;
    /**
     * Rows in one forward pass while evaluating.
     */
    batch_size_eval?: number;
    /**
     * Batches added up before the optimizer steps once.
     */
    gradient_accumulation?: number;
    /**
     * Pull of the weights towards zero (AdamW).
     */
    weight_decay?: number;
    /**
     * How the learning rate moves after the warm-up.
     */
    lr_scheduler?:
      | 'linear'
      | 'cosine'
      | 'cosine_with_restarts'
      | 'polynomial'
      | 'constant'
      | 'constant_with_warmup'
      | 'inverse_sqrt'
      | 'reduce_lr_on_plateau'
      | 'cosine_with_min_lr'
      | 'cosine_warmup_with_min_lr'
      | 'warmup_stable_decay'
      | 'greedy';
    /**
     * Options of the schedule, such as {min_lr_rate: 0.1}.
     */
    lr_scheduler_kwargs?: {};
    /**
     * Share of all steps in which the learning rate rises from zero.
     */
    warmup_ratio?: number;
    /**
     * Longer rows are cut; each cut row is counted in the ledger.
     */
    max_seq_len?: number;
    /**
     * Largest allowed norm of the gradient; 0 for none.
     */
    max_grad_norm?: number;
    /**
     * AdamW of PyTorch, a bitsandbytes variant with small states, or a classic.
     */
    optimizer?:
      | 'adamw_torch'
      | 'adamw_torch_fused'
      | 'adamw_bnb_8bit'
      | 'paged_adamw_8bit'
      | 'paged_adamw_32bit'
      | 'adafactor'
      | 'sgd';
    /**
     * Lay the rows of a batch end to end instead of padding them. No row sees another. auto packs where the model keeps rows apart.
     */
    packing?: 'auto' | true | false;
    /**
     * The rows of an optimizer step are cut into forward passes of about this many tokens, or auto. It changes speed and memory, not the result.
     */
    tokens_per_batch?: 'auto' | number;
    /**
     * Noise added to the embeddings while training; 5 is usual.
     */
    neftune_noise_alpha?: number | null;
    /**
     * Recompute activations in the backward pass: about a third slower, far less memory. auto is off until memory runs short and make_it_fit turns it on.
     */
    gradient_checkpointing?: 'auto' | 'on' | 'off' | true | false;
    /**
     * When a step does not fit into memory: ask stops and lists what can be done; auto does what leaves the result as it is (fewer tokens per forward pass, gradient checkpointing); off trains without looking.
     */
    make_it_fit?: 'ask' | 'auto' | 'off';
    /**
     * Compile the model's layers with torch.compile while training: the same result, a warm-up of some ten seconds to minutes, faster steps after it on most GPUs. It needs a C++ compiler, on a GPU Triton; without one the run says so and trains uncompiled.
     */
    torch_compile?: boolean;
  };
  /**
   * Fixes the split, the order of rows, the adapter's start and the bootstrap.
   */
  seed?: number;
  /**
   * The rows to learn from.
   */
  dataset?: {
    /**
     * A file on this machine, or a dataset on the Hugging Face hub.
     */
    source?: 'upload_local_path' | 'hf_dataset_id';
    /**
     * Path of the file, or one file per split ({train, val, test}). Relative to the folder in which the notebook or the command runs.
     */
    path?:
      | string
      | null
      | {
          train?: string;
          val?: string;
          test?: string;
        };
    /**
     * Hub id of the dataset, such as owner/name.
     */
    id?: string | null;
    /**
     * Name of the hub dataset's subset (configuration).
     */
    config_name?: string | null;
    /**
     * Branch, tag or commit of the hub dataset.
     */
    revision?: string | null;
    /**
     * chat: messages; instruction: instruction, input, output; prompt: prompt, completion; classification: text, label.
     */
    format?: 'jsonl_chat' | 'jsonl_instr' | 'jsonl_prompt' | 'csv_classification';
    /**
     * Names in your file for the columns that the format expects, such as {prompt: question, completion: answer}.
     */
    columns?: {
      [k: string]: string;
    };
    /**
     * Shares of the rows for training, validation and test; they add up to 1.
     */
    split?: {
      /**
       * Share of rows to train on.
       */
      train?: number;
      /**
       * Share of rows to watch the loss on.
       */
      val?: number;
      /**
       * Share of rows kept for the final evaluation; with none, the validation rows serve.
       */
      test?: number;
      /**
       * random: shuffled by the seed; stratified: every class in its share; tail: the last rows of the file are held out.
       */
      strategy?: 'random' | 'stratified' | 'tail';
    };
    /**
     * Largest share of rows that may be dropped or lose their end token before the run stops.
     */
    max_lost_fraction?: number;
  };
  /**
   * Base and tuned model on the same held-out rows.
   */
  eval?: {
    /**
     * perplexity, rouge, bleu and exact_match for generation; accuracy and f1 for classification.
     *
     * @minItems 1
     */
    metrics?: [
      'perplexity' | 'rouge' | 'bleu' | 'exact_match' | 'accuracy' | 'f1',
      ...('perplexity' | 'rouge' | 'bleu' | 'exact_match' | 'accuracy' | 'f1')[]
    ];
    /**
     * Held-out rows for which answers are generated; chosen by the seed. Perplexity and classification use all of them.
     */
    max_rows?: number;
    /**
     * Longest generated answer.
     */
    max_new_tokens?: number;
    /**
     * Resamples behind each interval.
     */
    bootstrap_samples?: number;
  };
  /**
   * Where the loss curve goes besides the run folder.
   */
  logs?: 'tensorboard' | 'none';
  /**
   * The device and its number type.
   */
  hw?: {
    /**
     * auto takes a CUDA GPU, else Apple's, else the CPU.
     */
    device?: 'auto' | 'cpu' | 'cuda' | 'mps';
    /**
     * auto takes bf16 where the GPU or the CPU has it in hardware, fp16 on older GPUs, none elsewhere.
     */
    mixed_precision?: 'auto' | 'fp16' | 'bf16' | 'none';
  };
  /**
   * What the run leaves behind.
   */
  artifacts?: {
    /**
     * Folder for everything that the run leaves.
     */
    output_dir?: string;
    /**
     * When a checkpoint is written; only a run with checkpoints can be resumed after a crash.
     */
    save_strategy?: 'no' | 'steps' | 'epoch';
    /**
     * Optimizer steps between checkpoints, with save_strategy steps.
     */
    save_steps?: number;
    /**
     * The newest ones; empty for all.
     */
    save_total_limit?: number | null;
    /**
     * Upload the result to the Hugging Face hub. Nothing leaves this machine otherwise.
     */
    push_to_hub?: boolean;
    /**
     * owner/name to push to.
     */
    hub_model_id?: string | null;
    /**
     * Also save base and adapter merged into one 16-bit model.
     */
    merge?: boolean;
  };
}
