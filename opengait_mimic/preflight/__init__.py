"""What a training will do, tried once before its first step, in every process together; afterwards everything is as before.

`run.run_preflight` is called by the launcher on the model it built; ``opengait-mimic preflight --cfgs X`` runs the checks alone. Checks
that do not apply to a model are left out.

==============  ===================================================================  ==================================================
check           what is tried                                                        fails
==============  ===================================================================  ==================================================
data            the first training batch is read                                     a file of it cannot be read
geometry        it goes through the transforms; sizes of teacher, VEN, embeddings    sizes or values that do not fit each other; clips
                                                                                     of other axes than silhouettes; silhouettes that
                                                                                     nowhere reach 0.5 (0/1 divided by 255) or have one
                                                                                     value; a warning for a white background
teacher         its file: a plain OpenGait model; its class and hash                 never trained (another role: refused when it is
                                                                                     loaded); a warning for one that was trained as a
                                                                                     Baseline-2, or less than half of what its YAML asks
VEN             its file: a VEN of ours; what it knows, its hash                     other weights than the VEN of the checkpoint to go on
                                                                                     from
teacher Rank-1  two whole sequences of up to 24 subjects, beside chance and          never; a warning where it is not clearly above
                untrained networks of its class                                      those (of 8 subjects or more)
occlusion       every clip by its own draw; the whole view the host's, bit for bit   where not
loss            forward, losses, backward                                            an error; a loss that is not finite
gradients       of everything that learns, of nothing that is frozen                 where not; of a host's own model a warning
frozen          teacher, VEN and the whole view after the step                       a bit changed
test batch      one sequence a process, embedded and gathered                        an error; embeddings that are not finite
checkpoint      written into the run's folder, read back, removed                    an error; a bit differs
disk            room for the planned checkpoints                                     there is not
memory          of a step with the longest batch, and of the optimiser               there is not; a warning where it was not tried
==============  ===================================================================  ==================================================
"""
