;; A detector that misbehaves when told to, for the tests of the host's recovery.
;;
;; It looks at single bytes of a batch:
;;   T  traps                        S  never comes back
;;   G  takes all memory it can get, and traps
;;   P  answers with a list that is not in its memory
;;   <  calls itself for ever
;;   >  traps, if two of these came before it in the life of this instance
;;   #  answers with 3000 findings more, + with one more: empty ones
;;   ~  answers with a reason that is not UTF-8, though it says so
;;   =  with one m beside it, makes the state one that this guest traps on when it is merged
;;   m  is remembered: its state is how many it has seen
;;   u  is reported as unreadable
(module
  (import "[export]orgwatch:detector/detection@1.0.0" "[resource-new]detector"
    (func $new (param i32) (result i32)))

  (memory (export "memory") 128)
  (data (i32.const 16) "unreadable as asked")
  (data (i32.const 48) "seen")
  (data (i32.const 64) "\c3\28\ff\fe")

  ;; Answers stand at 1024, unreadable ones from 4096 on, what the host gives from 65536 on, and findings from
  ;; 2 MiB on, where all is zero.
  (global $free (mut i32) (i32.const 65536))
  (global $seen (mut i32) (i32.const 0))
  (global $nth (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get 3)))
    (local.get $at))

  (func $reset (global.set $free (i32.const 65536)))

  ;; result<detector, list<setting-problem>>
  (func (export "orgwatch:detector/detection@1.0.0#[static]detector.open")
    (param $at i32) (param $length i32) (param i32 i32) (result i32)
    ;; Settings that start with T trap, and with S never come back.
    (call $obey (i32.load8_u (local.get $at)))
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.store (i32.const 1028) (call $new (i32.const 1)))
    (call $reset)
    (i32.const 1024))

  (func $recurse (param i32) (result i32)
    (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))

  (func $obey (param $byte i32)
    (if (i32.eq (local.get $byte) (i32.const 60)) (then (drop (call $recurse (i32.const 0)))))
    (if (i32.eq (local.get $byte) (i32.const 62)) (then
      (if (i32.ge_u (global.get $nth) (i32.const 2)) (then (unreachable)))
      (global.set $nth (i32.add (global.get $nth) (i32.const 1)))))
    (if (i32.eq (local.get $byte) (i32.const 84)) (then (unreachable)))
    (if (i32.eq (local.get $byte) (i32.const 83)) (then (loop $forever (br $forever))))
    (if (i32.eq (local.get $byte) (i32.const 71)) (then
      (loop $more
        (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      (unreachable))))

  ;; record { list, 12 * u64, list { record { u32, u32, string } } }
  (func $batch (param $at i32) (param $length i32) (param $remember i32) (result i32)
    (local $end i32) (local $byte i32) (local $line i32) (local $m i32) (local $u i32)
    (local $entry i32) (local $found i32)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (local.set $line (i32.const 1))
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 112))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $byte (i32.load8_u (local.get $at)))
      (call $obey (local.get $byte))
      (if (i32.eq (local.get $byte) (i32.const 80)) (then
        (i32.store (i32.const 1024) (i32.const 0x7fffff00))
        (i32.store (i32.const 1028) (i32.const 0x100))))
      (if (i32.eq (local.get $byte) (i32.const 35)) (then
        (local.set $found (i32.add (local.get $found) (i32.const 3000)))))
      (if (i32.eq (local.get $byte) (i32.const 43)) (then
        (local.set $found (i32.add (local.get $found) (i32.const 1)))))
      (if (i32.eq (local.get $byte) (i32.const 61)) (then
        (global.set $seen (i32.const -2))))
      (if (i32.eq (local.get $byte) (i32.const 109)) (then
        (local.set $m (i32.add (local.get $m) (i32.const 1)))))
      (if (i32.or (i32.eq (local.get $byte) (i32.const 117))
          (i32.eq (local.get $byte) (i32.const 126))) (then
        (local.set $entry
          (i32.add (i32.const 4096) (i32.mul (local.get $u) (i32.const 16))))
        (i32.store (local.get $entry) (local.get $line))
        (i32.store offset=4 (local.get $entry) (i32.const 0))
        (i32.store offset=8 (local.get $entry) (i32.const 16))
        (i32.store offset=12 (local.get $entry) (i32.const 19))
        (if (i32.eq (local.get $byte) (i32.const 126)) (then
          (i32.store offset=8 (local.get $entry) (i32.const 64))
          (i32.store offset=12 (local.get $entry) (i32.const 4))))
        (local.set $u (i32.add (local.get $u) (i32.const 1)))))
      (if (i32.eq (local.get $byte) (i32.const 10)) (then
        (local.set $line (i32.add (local.get $line) (i32.const 1)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (if (local.get $found) (then
      (i32.store (i32.const 1024) (i32.const 0x200000))
      (i32.store (i32.const 1028) (local.get $found))))
    (if (local.get $remember) (then
      (global.set $seen (i32.add (global.get $seen) (local.get $m)))))
    ;; lines, events, rejected, evaluated, unreadable, foreign, notifications, companions, ocsf, ecs,
    ;; query-rows, without-time
    (i64.store (i32.const 1032) (i64.extend_i32_u (local.get $line)))
    (i64.store (i32.const 1040) (i64.extend_i32_u (i32.add (local.get $m) (local.get $u))))
    (i64.store (i32.const 1056) (i64.extend_i32_u (local.get $m)))
    (i64.store (i32.const 1064) (i64.extend_i32_u (local.get $u)))
    (i32.store (i32.const 1128) (i32.const 4096))
    (i32.store (i32.const 1132) (local.get $u))
    (call $reset)
    (i32.const 1024))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.detect-batch")
    (param i32 i32 i32) (result i32)
    (call $batch (local.get 1) (local.get 2) (i32.const 1)))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.screen")
    (param i32 i32 i32) (result i32)
    (call $batch (local.get 1) (local.get 2) (i32.const 0)))

  ;; result<list<finding>, string>
  (func $nothing (result i32)
    (i64.store (i32.const 1024) (i64.const 0))
    (i32.store (i32.const 1032) (i32.const 0))
    (call $reset)
    (i32.const 1024))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.detect")
    (param i32 i32 i32) (result i32)
    (drop (call $batch (local.get 1) (local.get 2) (i32.const 1)))
    (call $nothing))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.merge-state")
    (param i32 i32 i32) (result i32)
    (if (i32.eq (local.get 2) (i32.const 4)) (then
      (if (i32.eq (i32.load (local.get 1)) (i32.const -1)) (then (unreachable)))
      (global.set $seen (i32.add (global.get $seen) (i32.load (local.get 1))))
      (return (call $nothing))))
    (i32.store8 (i32.const 1024) (i32.const 1))
    (i32.store (i32.const 1028) (i32.const 16))
    (i32.store (i32.const 1032) (i32.const 10))
    (call $reset)
    (i32.const 1024))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.save-state")
    (param i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 1032))
    (i32.store (i32.const 1028) (i32.const 4))
    (i32.store (i32.const 1032) (global.get $seen))
    (i32.const 1024))

  ;; list<record { string, u64 }>
  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.counters")
    (param i32) (result i32)
    (i32.store (i32.const 1024) (i32.const 1032))
    (i32.store (i32.const 1028) (i32.const 1))
    (i32.store (i32.const 1032) (i32.const 48))
    (i32.store (i32.const 1036) (i32.const 4))
    (i64.store (i32.const 1040) (i64.extend_i32_u (global.get $seen)))
    (i32.const 1024))

  (func (export "orgwatch:detector/detection@1.0.0#[method]detector.rules")
    (param i32) (result i32)
    (i64.store (i32.const 1024) (i64.const 0))
    (i32.const 1024))

  (func (export "orgwatch:detector/detection@1.0.0#describe") (result i32)
    (memory.fill (i32.const 1024) (i32.const 0) (i32.const 40))
    (i32.const 1024))
)
